"""Penstock: the warm pack, or the files."""

import tempfile
from collections.abc import Iterator
from pathlib import Path


def batches(data_dir: str, cache: str = "pack") -> Iterator:
    """As train.py makes them."""
    from benchmarks.job import catdog_job

    with tempfile.TemporaryDirectory(prefix="penstock-benchmark-") as cache_dir:  # a mapped pack outlives its name
        job = catdog_job(data_dir, cache, Path(cache_dir))
    return (batch["image"] for batch in job.batches())
