"""Grain from the files: OpenCV decodes, resizes and warps in two worker processes."""

from collections.abc import Iterator

import numpy as np

from benchmarks.rivals import grain_loader


def batches(data_dir: str) -> Iterator[np.ndarray]:
    """Decodes in every epoch."""
    return grain_loader.batches(data_dir, cached=False)
