"""Training steps in this process, put together as train.py does.

Importing this loads TensorFlow, before which train.py has settled how memory is given: a program calls
`base.allocator.keep_freed_memory` first.
"""

import dataclasses
import time
from collections.abc import Callable, Mapping
from pathlib import Path

from benchmarks.job import Job, open_job
from jobs.options import resolve
from models.zoo import build_model
from pipeline.graph import make_finish
from training.device import Hardware, apply, choose, look
from training.optimizer import build_optimizer
from training.step import TrainState, make_state, make_train_step

WARM_STEPS = 8  # more than the pipeline holds ready, so that a block begins and ends with it equally full


@dataclasses.dataclass(frozen=True)
class Training:
    """A job with the state that its steps change."""

    job: Job
    hardware: Hardware
    state: TrainState

    def make_step(self, augments: bool = False) -> Callable[[dict], None]:
        """A step that takes the job's batches, which are `on_device` ones where it augments."""
        data = self.job.data
        finish = make_finish(self.job.options.augment, data.pixels.pixel_format) if augments else None
        return make_train_step(self.state, self.hardware, len(data.manifest.class_names), finish)

    def run(self, take: Callable[[], dict], step: Callable[[dict], None], steps: int) -> None:
        """Runs `steps` steps and waits for the last one."""
        for _ in range(steps):
            step(take())
        self.state.sums.numpy()

    def seconds_a_step(self, take: Callable[[], dict], step: Callable[[dict], None], steps: int) -> float:
        """Mean of `steps` steps, after some that are not timed."""
        self.run(take, step, WARM_STEPS)
        began = time.perf_counter()
        self.run(take, step, steps)
        return (time.perf_counter() - began) / steps


def open_training(dataset: str, given: Mapping, cache_dir: Path) -> Training:
    """The run of train.py --dataset=`dataset` with the flags `given`, before its first step."""
    options = resolve(dataset, given)
    hardware = apply(choose(look(), options.training, options.threads))
    job = open_job(options, cache_dir)
    num_classes, shape = len(job.data.manifest.class_names), job.data.pixels.pixel_format.shape
    with hardware.scope():
        model = build_model(options.model, options.seed, num_classes, shape)
    training, steps = options.training, job.order.steps_per_epoch
    state = make_state(hardware, model, lambda _: build_optimizer(training, steps), training.global_batch_size)
    return Training(job, hardware, state)
