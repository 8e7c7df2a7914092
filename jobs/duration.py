"""How many epochs fit into --train_minutes: steps are timed before the first one, and the number is the run's from then
on."""

import dataclasses
import os
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path

import numpy as np

from base.errors import UserError
from base.watch import Watch
from jobs.epochs import make_batches, make_run_step, make_validation_predictor, phase_run
from jobs.options import RunOptions
from jobs.run import Run
from pipeline.stages import StageClock
from training.checkpoint import restore, to_arrays
from training.loop import Loop
from training.options import MOST_EPOCHS

# Steps are timed for so long, or so many of them, some at once: an accelerator is told of several before one is done.
TIMED_SECONDS, MOST_STEPS, STEPS_AT_ONCE = 5.0, 300, 4
UNTIMED_STEPS = 2  # after those that trace: batches that were ready before are gone then
# What a checkpoint, a row and its points take of an epoch, and the export with its proof and report besides scoring.
EPOCH_MARGIN, END_SECONDS = 1.05, 15.0


@dataclasses.dataclass(frozen=True)
class Timing:
    """What was timed, in seconds.

    Attributes:
      step: a step with its input, in the middle of an epoch.
      first_steps: those that trace, which are done again.
      predict: a batch that is predicted, and `first_predict` the first one, which traces.
    """

    step: float
    first_steps: float
    predict: float
    first_predict: float


def recorded_epochs(options: RunOptions, old: Mapping) -> RunOptions:
    """`options` with the number of epochs that a run of --train_minutes began with, where it has begun. `old` is its
    options.json.

    Raises UserError where the run that is there was begun otherwise.
    """
    minutes = options.training.train_minutes
    if not minutes or not old:
        return options
    before = old["training"]
    if before.get("train_minutes") != minutes:
        begun = f"--train_minutes={before['train_minutes']:g}" if before.get("train_minutes") else "--epochs"
        raise UserError(
            f"--train_minutes={minutes:g}: the run was begun with {begun} and has {before['epochs']} epochs: give "
            f"--epochs={before['epochs']}, or more, or another --run_dir"
        )
    return options.changed({"epochs": before["epochs"]})


def time_steps(
    batches: Iterator, train_step: Callable[[object, int], None], wait: Callable[[], object], tracing: int, watch: Watch
) -> tuple[float, float]:
    """(seconds of a step with its input, of the first `tracing` steps), which are taken for nothing else.

    Args:
      train_step: takes (batch, number of the step).
      wait: until the device has done what it was told.
    """
    began = time.perf_counter()
    for number in range(tracing):
        train_step(next(batches), number)
    wait()
    traced = time.perf_counter()
    for number in range(tracing, tracing + UNTIMED_STEPS):
        train_step(next(batches), number)
    wait()
    first, done = time.perf_counter(), 0
    while not done or (time.perf_counter() - first < TIMED_SECONDS and done < MOST_STEPS):
        watch.check("while steps were timed")
        for number in range(done, done + STEPS_AT_ONCE):
            train_step(next(batches), tracing + UNTIMED_STEPS + number)
        wait()
        done += STEPS_AT_ONCE
    return (time.perf_counter() - first) / done, traced - began


def time_predictions(predict: Callable, batches: Iterable[dict]) -> tuple[float, float]:
    """(seconds of a batch with its input, of the first one)."""
    began = time.perf_counter()
    source = iter(batches)
    np.asarray(predict(next(source)["image"]))
    first = time.perf_counter()
    done = 0
    for batch in source:
        np.asarray(predict(batch["image"]))
        done += 1
        if time.perf_counter() - first >= TIMED_SECONDS:
            break
    later = (time.perf_counter() - first) / done if done else first - began
    return later, first - began


def epoch_seconds(timing: Timing, steps: int, validated: int) -> float:
    """Of an epoch of so many steps, with so many batches of validation."""
    return EPOCH_MARGIN * (steps * timing.step + validated * timing.predict)


def epochs_within(
    minutes: float, spent_seconds: float, timing: Timing, steps: int, validated: int, scored: int
) -> tuple[int, str]:
    """(epochs that fit, in words why): what is left of `minutes` once the start and the end have theirs.

    `steps` are those of an epoch, `validated` and `scored` batches, of an epoch and at the end. Raises UserError where
    not one epoch fits.
    """
    epoch = epoch_seconds(timing, steps, validated)
    ends = spent_seconds + timing.first_steps + scored * timing.predict + 3 * timing.first_predict + END_SECONDS
    epochs = min(int((60 * minutes - ends) / epoch), MOST_EPOCHS)
    if epochs < 1:
        least = np.ceil(10 * (ends + epoch) / 60) / 10
        raise UserError(
            f"--train_minutes={minutes:g}: start, one epoch and the end take about {least:.1f} minutes here: give as "
            "many or more, or say --epochs=1"
        )
    each = f"about {epoch:.3g} s each, of {steps} steps of {1000 * timing.step:.3g} ms"
    return epochs, f"{epochs} epochs in {minutes:g} minutes: {each}, and {ends:.3g} s for the start and the end"


def process_seconds() -> float:
    """How long this process has lived; 0 where the system does not say."""
    try:
        started = int(
            Path("/proc/self/stat").read_text().rpartition(")")[2].split()[19]
        )  # field 22, in ticks from boot
        return time.clock_gettime(time.CLOCK_BOOTTIME) - started / os.sysconf("SC_CLK_TCK")
    except (OSError, ValueError, IndexError):
        return 0.0


def decide_epochs(run: Run, loops: Sequence[Loop]) -> RunOptions:
    """The run's options with as many epochs of the last phase as fit; those before it have theirs.

    Steps are taken on the states of `loops`, one a phase, which are then what they were. Raises UserError where not one
    fits, Stopped where that is asked for.
    """
    steps, size, before = run.order.steps_per_epoch, run.global_batch_size, 0.0
    scored = {name: -(-len(members) // size) for name, members in run.data.splits.ids.items()}
    for loop in loops:
        timing = _time_phase(run, loop)
        if loop is not loops[-1]:
            before += loop.phase.options.epochs * epoch_seconds(timing, steps, scored["validation"])
    spent = max(run.clock.seconds, process_seconds()) + before
    minutes = run.options.training.train_minutes
    epochs, words = epochs_within(minutes, spent, timing, steps, scored["validation"], sum(scored.values()))
    run.watch.say(f"time        {words}")
    return run.options.changed({"epochs": epochs})


def _time_phase(run: Run, loop: Loop) -> Timing:
    state, run = loop.state, phase_run(run, loop.state.model, loop.phase)
    training, steps, size = run.options.training, run.order.steps_per_epoch, run.global_batch_size
    arrays = {part: to_arrays(variables) for part, variables in state.parts.items()}
    every, step, ids = training.accumulate_steps, make_run_step(run, state), run.data.splits.ids
    batches = make_batches(run, 0, run.last_step, StageClock())
    rest = len(run.order.example_ids) % size

    def train_step(batch, number: int) -> None:
        is_full = not rest or (number + 1) % steps != 0
        step(batch, is_full, (number + 1) % every == 0)

    # Of all that is traced, what a full batch needs.
    seconds, first_steps = time_steps(batches, train_step, lambda: np.asarray(state.sums), every + 1, run.watch)
    split = "validation" if len(ids["validation"]) else "train"
    predict, first_predict = time_predictions(make_validation_predictor(run, loop), run.split_batches(split))
    restore(state.parts, arrays)
    return Timing(seconds, first_steps, predict, first_predict)
