"""Penstock's own parts in this process, put together as train.py does, for what cannot be seen from outside."""

import dataclasses
from collections.abc import Iterator
from pathlib import Path

from base.watch import SILENT
from jobs.options import RunOptions, resolve
from jobs.prepare import load_data
from pipeline.data import Data
from pipeline.graph import make_train_dataset
from pipeline.order import Order
from pipeline.plan import Plan
from pipeline.stages import StageClock


@dataclasses.dataclass(frozen=True)
class Job:
    """Options with their data, ready to give batches."""

    options: RunOptions
    data: Data
    order: Order

    def batches(self, last_step: int = 10**9, on_device: bool = False) -> Iterator[dict]:
        """Training batches as the loop gets them, its clock running, from step 0 to `last_step` - 1."""
        pixels, options = self.data.pixels, self.options
        plan = Plan(self.order, self.data.manifest.labels, pixels.pixel_format, options.augment, options.seed)
        return iter(make_train_dataset(plan, pixels, 0, last_step, on_device=on_device, clock=StageClock()))


def open_job(options: RunOptions, cache_dir: Path) -> Job:
    """Indexes, checks, splits, and packs where the options ask for it."""
    data = load_data(options, cache_dir, SILENT)
    order = Order(data.splits.ids["train"], options.training.global_batch_size, options.seed, shuffle=True)
    return Job(options, data, order)


def catdog_job(data_dir: str, cache: str, cache_dir: Path) -> Job:
    """The catdog preset, with --cache=`cache`."""
    return open_job(resolve("catdog", {"data_dir": str(data_dir), "cache": cache}), cache_dir)
