"""TensorFlow's own decoder, area resize and warp, from the files."""

from collections.abc import Iterator

from benchmarks.rivals import projective


def batches(data_dir: str) -> Iterator:
    """Decodes in every epoch."""
    return projective.batches(data_dir, cached=False)
