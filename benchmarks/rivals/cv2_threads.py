"""What a CPU can do: OpenCV's warp on two threads over arrays in memory, whole batches, nothing else."""

import concurrent.futures

import numpy as np

from benchmarks.rivals import BATCH, SIZE, pictures

AHEAD = 6  # batches


def batches(data_dir: str):
    """Each thread makes a batch at a time."""
    images = pictures.all_decoded(data_dir)

    def make(seed: int) -> np.ndarray:
        generator = np.random.default_rng(seed)
        batch = np.empty((BATCH, SIZE, SIZE, 3), np.float32)
        for place, row in enumerate(generator.integers(0, len(images), BATCH)):
            batch[place] = pictures.augmented(images[row], generator)
        return batch

    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        waiting = [pool.submit(make, seed) for seed in range(AHEAD)]
        for seed in range(AHEAD, 10**9):
            yield waiting.pop(0).result()
            waiting.append(pool.submit(make, seed))
