"""Augmented batches from the second epoch on: everyone has the decoded pictures where it likes them best.

ImageDataGenerator has no cache: it decodes in every epoch, which is its way.
"""

from benchmarks import turns
from benchmarks.settings import Settings

RIVALS = {
    "image_data_generator": ("at least", 45),
    "keras_layers": ("at least", 18),
    "projective": ("at least", 4),
    "torch_loader": ("above", 1),
    "grain_loader": ("above", 1),
    "cv2_threads": ("at least", 2),
}


def measure(settings: Settings) -> list[dict]:
    """Pictures/s against each rival: 112x112x3 float32, batch 64, the report's augmentation."""
    return turns.compare("penstock_pack", RIVALS, "augmented batches, warm", settings)
