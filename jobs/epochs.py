"""The epochs of a run: the loop with its batches, its validation, and what is said and drawn of each epoch."""

import functools
from collections.abc import Callable, Iterator

import keras
import numpy as np

from evaluation.metrics import scores
from evaluation.probabilities import make_predictor, predict_batches
from jobs.announce import announce_model, bottleneck_of
from jobs.curves import write_options
from jobs.run import Run
from pipeline.graph import make_finish, make_train_dataset
from pipeline.plan import Plan, Shards
from pipeline.stages import StageClock, transfer_seconds
from reports.contact_sheet import Sheet, draw_pages
from training.loop import Loop
from training.optimizer import build_optimizer, learning_rate_at
from training.profile import Profiler
from training.step import make_state, make_train_step


def make_loop(run: Run, model: keras.Model, identity: dict) -> Loop:
    """The loop before its first step; raises UserError for a profile beyond the last one."""
    options, order = run.options.training, run.order
    # In train/, with the event files: TensorBoard lists the profile under the run of the training curves.
    profiler = Profiler(options.profile_steps, run.last_step, run.folder.events("train"), run.watch)
    state = make_state(
        run.hardware, model, lambda: build_optimizer(options, order.steps_per_epoch), run.global_batch_size
    )
    return Loop(options, order, state, run.folder, run.watch, profiler, identity, run.clock)


def learn(run: Run, loop: Loop, sheets: tuple[Sheet, Sheet]) -> None:
    """Trains to the last epoch; `sheets` are of samples and augmented ones, for TensorBoard."""
    announce_model(run, loop.state.model)
    if loop.history:
        # A kill between an epoch's checkpoint and its point in TensorBoard would lose the point; twice is no harm.
        _draw(run, loop.history[-1])
    clock, augmentation = StageClock(), run.options.augment
    finish = make_finish(augmentation, run.data.pixels.pixel_format) if run.augments_on_device else None
    train_step = make_train_step(loop.state, run.hardware, run.num_classes, finish)
    train_step = _after_the_first(train_step, functools.partial(_describe, run, loop, sheets))
    batches = _make_batches(run, loop.step, clock)
    for row in loop.epochs(batches, train_step, _make_measure(run, loop, clock)):
        words = bottleneck_of(run, row)
        run.watch.say(f"  {words}")
        _draw(run, row)
        run.summaries.text("train", "input", row["epoch"], words)


def _after_the_first(train_step: Callable[..., None], then: Callable[[], None]) -> Callable[..., None]:
    """`train_step`, which calls `then` once the first step is on its way: what it does keeps nobody waiting, and the
    first step's time, in which TensorFlow traces, is not counted."""
    pending = [then]

    @functools.wraps(train_step)
    def step(*batch) -> None:
        train_step(*batch)
        while pending:
            pending.pop()()

    return step


def _describe(run: Run, loop: Loop, sheets: tuple[Sheet, Sheet]) -> None:
    """Writes what TensorBoard says of a run before its first point."""
    if loop.step == len(loop.history) * run.order.steps_per_epoch:  # a finished run that goes on has other epochs
        write_options(run, len(loop.history))
    if loop.step == 0:
        for tag, sheet in zip(("samples", "augmented"), sheets, strict=True):
            run.summaries.pictures("train", tag, draw_pages(sheet))


def _plan(run: Run, shards: Shards) -> Plan:
    data = run.data
    return Plan(
        run.order, data.manifest.labels, data.pixels.pixel_format, run.options.augment, run.options.seed, shards,
        data.train_pixels.pixel_format,
    )  # fmt: skip


def _make_batches(run: Run, first_step: int, clock: StageClock) -> Iterator:

    def make(shards: Shards):
        plan = _plan(run, shards)
        return make_train_dataset(
            plan, run.data.train_pixels, first_step, run.last_step, on_device=run.augments_on_device, clock=clock
        )

    strategy, replicas = run.hardware.strategy, run.hardware.replicas
    if strategy is None:
        return iter(make(Shards()))
    return iter(strategy.distribute_datasets_from_function(lambda _: make(Shards(0, replicas, replicas))))


def _make_measure(run: Run, loop: Loop, clock: StageClock) -> Callable[[], dict]:
    """() -> the columns of the history that are not the loop's; raises Stopped where that is asked for on the way."""
    validate, options, order = _make_validation(run, loop.state.model), run.options.training, run.order
    spec = _plan(run, Shards(0, 1, run.hardware.replicas)).element_spec(run.augments_on_device)
    device = "GPU:0" if run.hardware.accelerated else ""

    def measure() -> dict:
        figures = validate()
        # By the optimizer's own count: mixed_float16 leaves out the updates that overflow.
        updates = int(np.asarray(loop.state.optimizer.iterations))
        stages = clock.take() | {"transfer": transfer_seconds(spec, device)}
        return (
            figures
            | {"learning_rate": learning_rate_at(options, order.steps_per_epoch, updates - 1)}
            | {f"{stage}_seconds": seconds for stage, seconds in stages.items()}
        )

    return measure


def _make_validation(run: Run, model: keras.Model) -> Callable[[], dict]:
    ids = run.data.splits.ids["validation"]
    if not len(ids):
        return lambda: {"validation_loss": None, "validation_accuracy": None}
    predict, labels = make_predictor(model), run.data.manifest.labels[ids]

    def validate() -> dict:
        batches = run.split_batches("validation")  # now, and not before the first step
        figures = scores(labels, predict_batches(predict, run.watch.each(batches, "in validation")))
        return {"validation_loss": figures["loss"], "validation_accuracy": figures["accuracy"]}

    return validate


def _draw(run: Run, row: dict) -> None:
    names = ("loss", "accuracy", "learning_rate", "images_per_second", "input_wait_fraction")
    run.summaries.scalars("train", row["epoch"], {name: row[name] for name in names})
    if row["validation_loss"] is not None:
        figures = {"loss": row["validation_loss"], "accuracy": row["validation_accuracy"]}
        run.summaries.scalars("validation", row["epoch"], figures)
