"""The epochs of a run, phase after phase: the loop, its batches, its validation, what is said and drawn of each."""

import functools
from collections.abc import Callable, Iterator

import keras
import numpy as np

from evaluation.metrics import scores
from evaluation.probabilities import make_predictor, predict_batches
from jobs.announce import announce_model, announce_phase, bottleneck_of, phase_words
from jobs.curves import write_options
from jobs.head import on_features
from jobs.resume import go_on
from jobs.run import Run
from models.freezing import rate_factors
from models.parts import head_part
from pipeline.graph import make_finish, make_train_dataset
from pipeline.plan import Plan, Shards
from pipeline.stages import StageClock, transfer_seconds
from reports.contact_sheet import Sheet, draw_pages
from training.checkpoint import Checkpoint
from training.loop import Loop
from training.optimizer import build_optimizer, learning_rate_at
from training.phases import HEAD, Phase
from training.profile import Profiler
from training.step import make_state, make_train_step


def make_profiler(run: Run) -> Profiler:
    """That of --profile_steps; raises UserError for a step beyond the last one."""
    # In train/, with the event files: TensorBoard lists the profile under the run of the training curves.
    window, folder = run.options.training.profile_steps, run.folder.events("train")
    return Profiler(window, run.last_step, folder, run.watch)


def make_loop(run: Run, model: keras.Model, identity: dict, profiler: Profiler, phase: Phase) -> Loop:
    """The loop of a phase, before its first step."""
    options, order, learner, factors = phase.options, run.order, model, ()
    if phase.name == HEAD:
        learner = head_part(model)
    elif options.backbone_rate_factor:
        factors = rate_factors(model, options.backbone_rate_factor)
    state = make_state(
        run.hardware, model, lambda: build_optimizer(options, order.steps_per_epoch), run.global_batch_size,
        learner, factors,
    )  # fmt: skip
    return Loop(phase, order, state, run.folder, run.watch, profiler, identity, run.clock)


def learn(
    run: Run, model: keras.Model, identity: dict, profiler: Profiler, sheets: tuple[Sheet, Sheet | None],
    saved: Checkpoint | None, resumes: bool,
) -> Loop:  # fmt: skip
    """Trains to the last epoch of the last phase, whose loop it returns.

    Args:
      sheets: of samples and augmented ones, for TensorBoard.
      saved: the checkpoint that the run goes on from.
      resumes: whether the run was begun before, with a checkpoint or without.
    """
    announce_model(run, model)
    history, loop = saved.history if saved else [], None
    for phase in [phase for phase in run.phases if not phase.is_over(history)] or run.phases[-1:]:
        before, loop = loop, make_loop(run, model, identity, profiler, phase)
        if before:
            loop.step, loop.history = before.step, before.history
        elif resumes:
            go_on(run, loop, saved)
            if loop.history:
                # A kill between an epoch's checkpoint and its point in TensorBoard would lose the point.
                _draw(run, loop.history[-1])
        _learn_phase(run, loop, sheets)
    return loop


def _learn_phase(run: Run, loop: Loop, sheets: tuple[Sheet, Sheet | None]) -> None:
    announce_phase(run, loop)
    describe = functools.partial(_describe, run, loop, sheets)
    run = on_features(run, loop.state.model) if loop.phase.name == HEAD else run
    clock, augmentation = StageClock(), run.options.augment
    finish = make_finish(augmentation, run.data.pixels.pixel_format) if run.augments_on_device else None
    train_step = _after_the_first(make_train_step(loop.state, run.hardware, run.num_classes, finish), describe)
    batches = _make_batches(run, loop, clock)
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
        run.order, data.manifest.labels, data.pixels.pixel_format, run.options.augment, run.options.seed, shards
    )


def _make_batches(run: Run, loop: Loop, clock: StageClock) -> Iterator:

    def make(shards: Shards):
        plan = _plan(run, shards)
        return make_train_dataset(
            plan, run.data.pixels, loop.step, loop.last_step, on_device=run.augments_on_device, clock=clock
        )

    strategy, replicas = run.hardware.strategy, run.hardware.replicas
    if strategy is None:
        return iter(make(Shards()))
    return iter(strategy.distribute_datasets_from_function(lambda _: make(Shards(0, replicas, replicas))))


def _make_measure(run: Run, loop: Loop, clock: StageClock) -> Callable[[], dict]:
    """() -> the columns of the history that are not the loop's; raises Stopped where that is asked for on the way."""
    validate, options, order = _make_validation(run, loop.state.learner), loop.phase.options, run.order
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
