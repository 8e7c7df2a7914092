"""Augmented batches from JPEG files in the page cache, everything included: read, decode, resize, warp.

What rivals do differently: keras_layers_files resizes bilinearly without antialiasing, as its folder loader does, which
is less work; dali_files resizes with antialiasing by a triangle; ImageDataGenerator resizes by nearest neighbour.
Penstock and the others average over areas. jpeg_floor only decodes.
"""

from benchmarks import turns
from benchmarks.settings import Settings

RIVALS = {
    "image_data_generator": ("at least", 4.6),
    "keras_layers_files": ("at least", 2.6),
    "torch_loader_files": ("at least", 2.5),
    "dali_files": ("at least", 1.9),
    "grain_loader_files": ("at least", None),
    "cv2_threads_files": ("at least", None),
    "projective_files": ("at least", None),
    "jpeg_floor": ("at least", 0.9),
}


def measure(settings: Settings) -> list[dict]:
    """Pictures/s against each rival: 112x112x3 float32, batch 64, the report's augmentation."""
    return turns.compare("penstock_stream", RIVALS, "augmented batches, from JPEG files", settings)
