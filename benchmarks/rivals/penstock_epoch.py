"""Penstock: one whole epoch of the training pictures streamed from their files, augmentation included, no step."""

import time
from collections.abc import Callable
from pathlib import Path


def turn(data_dir: str, scratch: Path) -> Callable[[], float]:
    """A function that takes an epoch's batches, the first of which fills the pipeline, and gives pictures/s."""
    from benchmarks.job import catdog_job

    job = catdog_job(data_dir, "none", scratch / "epoch")

    def epoch() -> float:
        began = time.perf_counter()
        for _ in job.batches(job.order.steps_per_epoch):
            pass
        return len(job.order.example_ids) / (time.perf_counter() - began)

    return epoch
