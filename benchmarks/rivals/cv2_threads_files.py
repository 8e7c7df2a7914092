"""OpenCV on two threads from the files: decode, area resize, warp."""

from collections.abc import Iterator

import numpy as np

from benchmarks.rivals import cv2_threads


def batches(data_dir: str) -> Iterator[np.ndarray]:
    """Decodes in every epoch."""
    return cv2_threads.batches(data_dir, cached=False)
