"""What a CPU can do: OpenCV's warp on two threads over arrays in memory, whole batches, nothing else."""

from collections.abc import Iterator

import numpy as np

from benchmarks.rivals import BATCH, SIZE, pictures


def batches(data_dir: str, cached: bool = True) -> Iterator[np.ndarray]:
    """Each thread makes a batch at a time; uncached, it decodes each picture first."""
    paths = pictures.files(data_dir)
    images = pictures.all_decoded(data_dir) if cached else None

    def make(seed: int) -> np.ndarray:
        generator = np.random.default_rng(seed)
        batch = np.empty((BATCH, SIZE, SIZE, 3), np.float32)
        for place, row in enumerate(generator.integers(0, len(paths), BATCH)):
            picture = pictures.decoded(paths[row]) if images is None else images[row]
            batch[place] = pictures.augmented(picture, generator)
        return batch

    return pictures.in_two_threads(make)
