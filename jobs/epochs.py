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
from training.optimizer import build_optimizer
from training.profile import Profiler
from training.recipe import Recipe
from training.schedule import learning_rate_at, plateau_scale
from training.step import TrainState, make_state, make_train_step


def make_loop(run: Run, model: keras.Model, identity: dict) -> Loop:
    """The loop before its first step; raises UserError for a profile beyond the last one."""
    options, order = run.options.training, run.order
    # In train/, with the event files: TensorBoard lists the profile under the run of the training curves.
    profiler = Profiler(options.profile_steps, run.last_step, run.folder.events("train"), run.watch)
    state = make_run_state(run, model)
    return Loop(options, order, state, run.folder, run.watch, profiler, identity, run.clock)


def make_run_state(run: Run, model: keras.Model) -> TrainState:
    """The state of a run before its first step."""
    options, order = run.options.training, run.order
    build = functools.partial(build_optimizer, options, options.updates_of(order.steps_per_epoch))
    with run.hardware.scope():
        average = run.new_model() if options.ema_momentum else None
    return make_state(run.hardware, model, build, run.global_batch_size, options.accumulate_steps, average)


def make_run_step(run: Run, state: TrainState) -> Callable[..., None]:
    """`make_train_step` of a run."""
    training = run.options.training
    recipe = Recipe(training.clip_norm, training.ema_momentum, training.label_smoothing, run.class_weights)
    finish = make_finish(run.options.augment, run.data.pixels.pixel_format) if run.augments_on_device else None
    return make_train_step(state, run.hardware, run.num_classes, finish, False, recipe)


def learn(run: Run, loop: Loop, sheets: tuple[Sheet, Sheet]) -> None:
    """Trains to the last epoch; `sheets` are of samples and augmented ones, for TensorBoard."""
    announce_model(run, loop.state.model)
    if loop.history:
        # A kill between an epoch's checkpoint and its point in TensorBoard would lose the point; twice is no harm.
        _draw(run, loop.history[-1])
    clock = StageClock()
    describe = functools.partial(_describe, run, loop, sheets)
    train_step = _after_the_first(make_run_step(run, loop.state), describe)
    batches = make_batches(run, loop.step, run.last_step, clock)
    _scale_rate(run, loop)
    for row in loop.epochs(batches, train_step, _make_measure(run, loop, clock)):
        _scale_rate(run, loop)
        words = bottleneck_of(run, row)
        run.watch.say(f"  {words}")
        _draw(run, row)
        run.summaries.text("train", "input", row["epoch"], words)


def _scale_rate(run: Run, loop: Loop) -> None:
    """Has the epoch that comes train with the rate that the history has led to."""
    scale, before = plateau_scale(run.options.training, loop.history), np.asarray(loop.state.rate_scale)
    if np.float32(scale) != before:
        run.watch.say(
            f"  learning rate {run.options.training.learning_rate * scale:g}: the loss does not fall any more"
        )
    loop.state.rate_scale.assign(scale)


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


def make_batches(run: Run, first_step: int, last_step: int, clock: StageClock) -> Iterator:
    """The batches of the steps from `first_step` up to before `last_step`, on the devices."""

    def make(shards: Shards):
        plan = _plan(run, shards)
        return make_train_dataset(
            plan, run.data.train_pixels, first_step, last_step, on_device=run.augments_on_device, clock=clock
        )

    strategy, replicas = run.hardware.strategy, run.hardware.replicas
    if strategy is None:
        return iter(make(Shards()))
    return iter(strategy.distribute_datasets_from_function(lambda _: make(Shards(0, replicas, replicas))))


def _make_measure(run: Run, loop: Loop, clock: StageClock) -> Callable[[], dict]:
    """() -> the columns of the history that are not the loop's; raises Stopped where that is asked for on the way."""
    validate, options = _make_validation(run, loop.state.evaluated), run.options.training
    updates_per_epoch = options.updates_of(run.order.steps_per_epoch)
    spec = _plan(run, Shards(0, 1, run.hardware.replicas)).element_spec(run.augments_on_device)
    device = "GPU:0" if run.hardware.accelerated else ""

    def measure() -> dict:
        figures = validate()
        # By the optimizer's own count: mixed_float16 leaves out the updates that overflow.
        updates = int(np.asarray(loop.state.optimizer.iterations))
        stages = clock.take() | {"transfer": transfer_seconds(spec, device)}
        return (
            figures
            | {"learning_rate": learning_rate_at(options, updates_per_epoch, updates - 1, loop.history)}
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
