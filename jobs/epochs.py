"""The epochs of a run, phase after phase: the loop, its batches, its validation, what is said and drawn of each."""

import functools
from collections.abc import Callable, Iterator, Sequence

import keras
import numpy as np

from evaluation.metrics import scores
from evaluation.probabilities import make_predictor, predict_batches
from jobs.announce import announce_model, announce_phase, bottleneck_of, phase_words
from jobs.curves import write_options
from jobs.head import on_features
from jobs.run import Run
from models.freezing import rate_factors
from models.parts import head_part
from pipeline.graph import make_finish, make_train_dataset
from pipeline.plan import Plan, Shards
from pipeline.stages import StageClock, transfer_seconds
from reports.contact_sheet import Sheet, draw_pages
from training.checkpoint import Checkpoint
from training.loop import Loop
from training.optimizer import build_optimizer
from training.phases import HEAD, Phase
from training.profile import Profiler
from training.recipe import Recipe
from training.schedule import learning_rate_at, plateau_scale
from training.step import TrainState, make_state, make_train_step


def make_profiler(run: Run) -> Profiler:
    """That of --profile_steps; raises UserError for a step beyond the last one."""
    # In train/, with the event files: TensorBoard lists the profile under the run of the training curves.
    window, folder = run.options.training.profile_steps, run.folder.events("train")
    return Profiler(window, run.last_step, folder, run.watch)


def make_loops(run: Run, model: keras.Model, identity: dict, saved: Checkpoint | None) -> list[Loop]:
    """The loops of the phases that are not over, before their first steps; the last one's where all are.

    Raises UserError for a profile beyond the last step.
    """
    history, profiler = saved.history if saved else [], make_profiler(run)
    with run.hardware.scope():
        average = run.new_model() if run.options.training.ema_momentum else None
    phases = [phase for phase in run.phases if not phase.is_over(history)] or run.phases[-1:]
    states = [make_phase_state(run, model, phase, average) for phase in phases]
    return [Loop(phase, run.order, state, run.folder, run.watch, profiler, identity, run.clock)
            for phase, state in zip(phases, states, strict=True)]  # fmt: skip


def make_phase_state(run: Run, model: keras.Model, phase: Phase, average: keras.Model | None = None) -> TrainState:
    """The state of a phase before its first step; `average`, which the phases share, follows the model."""
    options, head, factors = phase.options, None, ()
    if phase.name == HEAD:
        head = head_part(model)
    elif options.backbone_rate_factor:
        factors = rate_factors(model, options.backbone_rate_factor)
    build = functools.partial(build_optimizer, options, options.updates_of(run.order.steps_per_epoch))
    return make_state(run.hardware, model, build, run.global_batch_size, options.accumulate_steps, average, head,
                      factors)  # fmt: skip


def phase_run(run: Run, model: keras.Model, phase: Phase) -> Run:
    """The run as a phase sees it: its head learns from features, which are computed now where they are not kept."""
    return on_features(run, model) if phase.name == HEAD else run


def make_run_step(run: Run, state: TrainState) -> Callable[..., None]:
    """`make_train_step` of a run, as `phase_run` gives it."""
    training = run.options.training
    recipe = Recipe(training.clip_norm, training.ema_momentum, training.label_smoothing, run.class_weights)
    finish = make_finish(run.options.augment, run.data.pixels.pixel_format) if run.augments_on_device else None
    return make_train_step(state, run.hardware, run.num_classes, finish, False, recipe)


def learn(run: Run, loops: Sequence[Loop], sheets: tuple[Sheet, Sheet | None]) -> None:
    """Trains phase after phase, to the last epoch; `sheets` are of samples and augmented ones, for TensorBoard."""
    announce_model(run, loops[0].state.model)
    if loops[0].history:
        # A kill between an epoch's checkpoint and its point in TensorBoard would lose the point; twice is no harm.
        _draw(run, loops[0].history[-1])
    for before, loop in zip([None, *loops], loops, strict=False):
        if before:
            loop.follow(before)
        _learn_phase(run, loop, sheets)


def _learn_phase(run: Run, loop: Loop, sheets: tuple[Sheet, Sheet | None]) -> None:
    announce_phase(run, loop)
    describe = functools.partial(_describe, run, loop, sheets)
    run, clock = phase_run(run, loop.state.model, loop.phase), StageClock()
    train_step = _after_the_first(make_run_step(run, loop.state), describe)
    batches = make_batches(run, loop.step, loop.last_step, clock)
    _scale_rate(run, loop)
    for row in loop.epochs(batches, train_step, _make_measure(run, loop, clock)):
        _scale_rate(run, loop)
        _draw(run, row)
        if loop.phase.name != HEAD:  # features are read from memory
            words = bottleneck_of(run, row)
            run.watch.say(f"  {words}")
            run.summaries.text("train", "input", row["epoch"], words)


def _scale_rate(run: Run, loop: Loop) -> None:
    """Has the epoch that comes train with the rate that the history has led to."""
    options = loop.phase.options
    scale, before = plateau_scale(options, loop.rows), np.asarray(loop.state.rate_scale)
    if np.float32(scale) != before:
        run.watch.say(f"  learning rate {options.learning_rate * scale:g}: the loss does not fall any more")
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


def _describe(run: Run, loop: Loop, sheets: tuple[Sheet, Sheet | None]) -> None:
    """Writes what TensorBoard says of a run before its first point."""
    if loop.step == len(loop.history) * run.order.steps_per_epoch:  # a finished run that goes on has other epochs
        write_options(run, len(loop.history))
    if loop.step == loop.first_step and len(run.phases) > 1:
        run.summaries.text("train", "phase", len(loop.history), phase_words(run, loop))
    if loop.step == 0:
        for tag, sheet in zip(("samples", "augmented"), sheets, strict=True):
            if sheet is not None:
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
    validate = _make_validation(run, make_validation_predictor(run, loop))
    options, updates_per_epoch = loop.phase.options, loop.phase.options.updates_of(run.order.steps_per_epoch)
    spec = _plan(run, Shards(0, 1, run.hardware.replicas)).element_spec(run.augments_on_device)
    device = "GPU:0" if run.hardware.accelerated else ""

    def measure() -> dict:
        figures = validate()
        # By the optimizer's own count: mixed_float16 leaves out the updates that overflow.
        updates = int(np.asarray(loop.state.optimizer.iterations))
        stages = clock.take() | {"transfer": transfer_seconds(spec, device)}
        return (
            figures
            | {"learning_rate": learning_rate_at(options, updates_per_epoch, updates - 1, loop.rows)}
            | {f"{stage}_seconds": seconds for stage, seconds in stages.items()}
        )

    return measure


def make_validation_predictor(run: Run, loop: Loop) -> Callable:
    """`make_predictor` of what validation asks: the whole model, or its head, which has features."""
    model = loop.state.evaluated
    return make_predictor(head_part(model) if loop.phase.name == HEAD else model, run.options.model.test_time_flip)


def _make_validation(run: Run, predict: Callable) -> Callable[[], dict]:
    ids = run.data.splits.ids["validation"]
    if not len(ids):
        return lambda: {"validation_loss": None, "validation_accuracy": None}
    labels = run.data.manifest.labels[ids]

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
