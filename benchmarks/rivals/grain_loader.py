"""Grain on cached arrays: two worker processes, OpenCV's warp."""

from collections.abc import Iterator

import grain
import numpy as np

from benchmarks.rivals import BATCH, pictures


class Augment(grain.transforms.RandomMap):
    """One picture, with Grain's own generator for it; a path is decoded first."""

    def random_map(self, element: np.ndarray | str, rng: np.random.Generator) -> np.ndarray:
        """float32 [SIZE, SIZE, 3]."""
        picture = pictures.decoded(element) if isinstance(element, str) else element
        return pictures.augmented(picture, rng)


def batches(data_dir: str, cached: bool = True) -> Iterator[np.ndarray]:
    """Shuffled, endless."""
    elements = pictures.all_decoded(data_dir) if cached else pictures.files(data_dir)
    source = grain.MapDataset.source(elements).shuffle(seed=1).repeat()
    # Its default of 500 elements read ahead is 500 batches here, 5 GB: with these it is three times as fast.
    options = grain.ReadOptions(num_threads=2, prefetch_buffer_size=4)
    dataset = source.random_map(Augment(), seed=1).batch(BATCH, drop_remainder=True).to_iter_dataset(options)
    return iter(dataset.mp_prefetch(grain.multiprocessing.MultiprocessingOptions(num_workers=2)))
