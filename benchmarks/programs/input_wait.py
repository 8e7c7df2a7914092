"""A step with the real, warm input against the same step given its batch for free, in one process, block by block.

python -m benchmarks.programs.input_wait DATASET DATA_DIR CACHE_DIR ROUNDS STEPS prints JSON: the seconds a step of each
block, "host" and "device", which is where the input is augmented, and "free".
"""

import json
import random
import sys
import time
from collections.abc import Callable
from pathlib import Path

from benchmarks.job import Job, open_job
from jobs.options import resolve
from models.zoo import build_model
from pipeline.graph import make_finish
from training.device import apply, choose, look
from training.optimizer import build_optimizer
from training.step import TrainState, make_state, make_train_step

WARM_STEPS = 8  # more than the pipeline holds ready, so that a block begins and ends with it equally full


def main(dataset: str, data_dir: str, cache_dir: str, rounds: int, steps: int) -> None:
    """Takes turns, the order drawn anew for each round."""
    options = resolve(dataset, {"data_dir": data_dir, "cache": "pack"})
    hardware = apply(choose(look(), options.training, options.threads))
    job = open_job(options, Path(cache_dir))
    state = _make_state(job, hardware)
    num_classes = len(job.data.manifest.class_names)
    host_step = make_train_step(state, hardware, num_classes, None)
    finish = make_finish(options.augment, job.data.pixels.pixel_format)
    device_step = make_train_step(state, hardware, num_classes, finish)
    batches, stored = job.batches(), job.batches(on_device=True)
    held = next(batches)
    ways = {
        "host": (lambda: next(batches), host_step),
        "device": (lambda: next(stored), device_step),
        "free": (lambda: held, host_step),
    }
    seconds = {name: [] for name in ways}
    for number in range(rounds + 1):
        for name in random.Random(number).sample(sorted(ways), len(ways)):
            took = seconds_a_step(*ways[name], state, steps)
            if number:  # the first round traces the steps and warms the pack
                seconds[name].append(took)
    print(json.dumps(seconds))


def seconds_a_step(take: Callable, step: Callable, state: TrainState, steps: int) -> float:
    """Mean of `steps` steps, after some that are not timed."""
    for _ in range(WARM_STEPS):
        step(take())
    state.sums.numpy()
    began = time.perf_counter()
    for _ in range(steps):
        step(take())
    state.sums.numpy()  # waits for the last one
    return (time.perf_counter() - began) / steps


def _make_state(job: Job, hardware) -> TrainState:
    num_classes, shape = len(job.data.manifest.class_names), job.data.pixels.pixel_format.shape
    with hardware.scope():
        model = build_model(job.options.model, job.options.seed, num_classes, shape)
    options, steps = job.options.training, job.order.steps_per_epoch
    return make_state(hardware, model, lambda: build_optimizer(options, steps), options.global_batch_size)


if __name__ == "__main__":
    main(*sys.argv[1:4], *map(int, sys.argv[4:]))
