"""Grain on cached arrays: two worker processes, OpenCV's warp."""

import grain
import numpy as np

from benchmarks.rivals import BATCH, pictures


class Augment(grain.transforms.RandomMap):
    """One picture, with Grain's own generator for it."""

    def random_map(self, element: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        """float32 [SIZE, SIZE, 3]."""
        return pictures.augmented(element, rng)


def batches(data_dir: str):
    """Shuffled, endless."""
    source = grain.MapDataset.source(pictures.all_decoded(data_dir)).shuffle(seed=1).repeat()
    dataset = source.random_map(Augment(), seed=1).batch(BATCH, drop_remainder=True).to_iter_dataset()
    return iter(dataset.mp_prefetch(grain.multiprocessing.MultiprocessingOptions(num_workers=2)))
