"""One run, from options to a finished run folder. Top to bottom, the order in which things happen."""

import contextlib
import dataclasses
import functools
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import keras
import numpy as np
import tensorflow as tf

from base.errors import UserError
from base.signals import StopRequest, listen, until_stopped
from evaluation.metrics import scores
from evaluation.probabilities import make_predictor, predict_batches, split_batches
from jobs.announce import announce, augment_place, input_verdict
from jobs.bad_batch import explain
from jobs.finish import Finished, finish_run
from jobs.prepare import prepare_data
from jobs.resume import find_checkpoint, identity_of, versions
from models.zoo import ModelOptions, build_model
from pipeline.contract import batch_spec
from pipeline.data import Data
from pipeline.graph import Shards, make_finish, make_train_dataset
from pipeline.order import Order, shard_size
from pipeline.sources.folders import Catalog
from pipeline.sources.splits import split_rows
from pipeline.stages import StageClock, transfer_seconds
from records.run_folder import RunFolder
from reports.progress import Reporter
from reports.sheets import augmentation_sheet, sample_sheet
from reports.summaries import Summaries, open_summaries
from training import checkpoint
from training.device import Hardware, set_up
from training.loop import Loop, LoopOptions
from training.optimizer import build_optimizer, learning_rate_at
from training.options import RunOptions
from training.profile import Profiler
from training.step import make_state, make_train_step


# No function here leaves its control flow to AutoGraph, which writes each one that it looks at to a file in the
# machine's temporary folder: a killed run would leave twenty of them there.
@tf.autograph.experimental.do_not_convert
def run(
    options: RunOptions, folder: RunFolder, catalog: Catalog, cache_dir: Path, flags_text: Callable[[RunOptions], str]
) -> dict:
    """Trains, scores and exports; returns what results.json holds.

    `flags_text(options)` gives the run's own flagfile. Raises UserError for what the user can mend, Stopped after a
    SIGTERM or SIGINT, with a checkpoint to resume from.
    """
    began = time.monotonic()
    reporter = Reporter()
    old = folder.adopt(options)
    results = folder.results_if_finished()
    if results is not None:
        reporter.say(f"finished already: {folder.results_path}; another --run_dir trains again")
        return results
    threads = options.threads or (old or {}).get("threads", 0)
    hardware = set_up(options.precision, options.strategy, options.replicas, threads)
    options = dataclasses.replace(options, threads=hardware.threads)
    shard_size(options.global_batch_size, hardware.replicas)
    with listen() as stop, open_summaries(folder.path, reporter.say) as summaries:
        # Too small a picture, and weights that cannot be had, are told before the decoding and before the folder is a
        # run. Of a run that goes on nobody needs the file that it started from: its checkpoint has the weights.
        build = _model_builder(options.model_options, hardware)
        data = prepare_data(options, catalog, cache_dir, reporter, stop, **({} if old else {"before_decoding": build}))
        # Before anything is written: what cannot be continued stays as it is.
        identity = identity_of(options, hardware, data)
        saved = find_checkpoint(folder, identity, data, reporter.say)
        if saved:
            build = _model_builder(dataclasses.replace(options.model_options, weights="none"), hardware)
        order = Order(data.splits.ids["train"], options.global_batch_size, options.seed, shuffle=True)
        loop = _make_loop(options, hardware, data, order, identity, folder, reporter, stop, build)
        folder.write_options(options.to_json())
        folder.write_flags(flags_text(options))
        folder.write_split(split_rows(data.manifest, data.splits))
        announce(options, hardware, data, order, reporter)
        with data.pixels.naming_changes(), _naming_memory(options):
            sheets = (sample_sheet(data), augmentation_sheet(data, options.augment, options.seed))
            if saved:
                _resume(loop, saved, reporter)
            elif old:
                reporter.say("resume      from the start: the run has no checkpoint")
            _train(options, hardware, data, order, loop, reporter, summaries, sheets, stop)
            final = Finished(folder, options, hardware, data, loop, sheets, began, versions(), stop)
            return finish_run(final, summaries, reporter)


@contextlib.contextmanager
def _naming_memory(options: RunOptions) -> Iterator[None]:
    try:
        yield
    except tf.errors.ResourceExhaustedError as error:
        raise UserError(
            f"not enough memory for --model={options.model} with --global_batch_size={options.global_batch_size} at "
            f"--image_size={options.image_size} ({error.message.splitlines()[0]}): lower one of them"
        ) from None


def _model_builder(options: ModelOptions, hardware: Hardware) -> Callable[[int, tuple[int, int, int]], keras.Model]:
    """`build_model` of these options under the strategy's scope; asked twice, it gives the model that it has built."""

    @functools.cache
    def build(num_classes: int, pixel_shape: tuple[int, int, int]) -> keras.Model:
        with hardware.scope():
            return build_model(options, num_classes, pixel_shape)

    return build


def _make_loop(options, hardware, data: Data, order: Order, identity, folder: RunFolder, reporter, stop, build) -> Loop:
    # In train/, with the event files: TensorBoard lists the profile under the run of the training curves.
    last_step = options.epochs * order.steps_per_epoch
    profiler = Profiler(options.profile_steps, last_step, folder.events("train"), reporter.say)
    state = make_state(
        hardware,
        lambda: build(len(data.manifest.class_names), data.pixels.pixel_format.shape),
        lambda: build_optimizer(options, order.steps_per_epoch),
        options.global_batch_size,
    )
    loop_options = LoopOptions(
        folder.path, options.epochs, len(order.example_ids), options.global_batch_size, options.early_stop_patience,
        options.checkpoint_every_steps, identity,
    )  # fmt: skip
    return Loop(
        loop_options, state, reporter, stop, profiler, lambda trouble: explain(trouble, options, order, data, folder)
    )


def _train(
    options, hardware, data, order, loop: Loop, reporter: Reporter, summaries: Summaries, sheets, stop: StopRequest
) -> None:
    model = loop.state.model
    parameters = sum(int(np.prod(variable.shape)) for variable in model.trainable_variables)
    reporter.say(
        f"model       {options.model}, {parameters:,} parameters; {options.optimizer} {options.learning_rate:g}"
    )
    if loop.step == 0:
        _show_sheets(summaries, sheets)
    if loop.history:
        # A kill between an epoch's checkpoint and its point in TensorBoard would lose the point; twice is no harm.
        _write_scalars(summaries, loop.history[-1])
    on_device = augment_place(options, hardware)[0] == "device"
    stages = StageClock()
    batches = _batches(options, hardware, data, order, loop.step, on_device, stages)
    finish = make_finish(options.augment, data.full_scale) if on_device else None
    predict = make_predictor(model)

    replica_spec = batch_spec(
        shard_size(options.global_batch_size, hardware.replicas), data.pixels.pixel_format, on_device
    )
    device = "GPU:0" if hardware.accelerated else ""

    def stage_seconds() -> dict:
        taken = stages.take() | {"transfer": transfer_seconds(replica_spec, device)}
        return {f"{stage}_seconds": seconds for stage, seconds in taken.items()}

    def on_epoch(row: dict) -> None:
        words = input_verdict(row, options, data, hardware)
        reporter.say(f"  {words}")
        _write_scalars(summaries, row)
        summaries.text("train", "input", row["epoch"], words)

    loop.run(
        batches,
        make_train_step(loop.state, hardware, len(data.manifest.class_names), finish),
        _validation(predict, data, options.global_batch_size, stop),
        # By the optimizer's own count: mixed_float16 leaves out the updates that overflow.
        lambda: learning_rate_at(options, order.steps_per_epoch, _updates(loop) - 1),
        stage_seconds,
        on_epoch,
    )


def _updates(loop: Loop) -> int:
    return int(np.asarray(loop.state.optimizer.iterations))


def _resume(loop: Loop, saved: checkpoint.Checkpoint, reporter: Reporter) -> None:
    checkpoint.restore(loop.state.variables, saved.arrays)
    loop.step, loop.history = saved.step, saved.history
    reporter.say(f"resume      from step {saved.step}, after {len(saved.history)} whole epochs")
    before, now = saved.identity.get("processor"), loop.options.identity["processor"]
    if before != now:
        reporter.say(f"processor   warning: {before} -> {now}, which rounds otherwise: the last bits may differ")
    before, now = saved.identity["replicas"], loop.options.identity["replicas"]
    if before != now:
        normalised = any("moving_variance" in variable.path for variable in loop.state.model.variables)
        reporter.say(
            f"replicas    {before} -> {now}: same examples, augmentation and dropout; sums over replicas differ in "
            "their last bits" + (", and BatchNorm normalises by each replica's own rows" if normalised else "")
        )


def _batches(options, hardware: Hardware, data: Data, order: Order, first_step: int, on_device: bool, clock):
    last_step = options.epochs * order.steps_per_epoch

    def make(shards: Shards) -> tf.data.Dataset:
        return make_train_dataset(
            order, data.pixels, data.manifest.labels, options.augment, seed=options.seed, full_scale=data.full_scale,
            first_step=first_step, last_step=last_step, shards=shards, on_device=on_device, clock=clock,
        )  # fmt: skip

    if hardware.strategy is None:
        return iter(make(Shards()))
    replicas = hardware.replicas
    return iter(hardware.strategy.distribute_datasets_from_function(lambda _: make(Shards(0, replicas, replicas))))


def _validation(predict: Callable, data: Data, batch_size: int, stop: StopRequest) -> Callable[[], dict]:
    """() -> validation's columns of the history; raises Stopped where `stop` is set on the way."""
    ids = data.splits.ids["validation"]
    if not len(ids):
        return lambda: {"validation_loss": None, "validation_accuracy": None}
    batches = split_batches(data, ids, batch_size)

    def validate() -> dict:
        asked = until_stopped(batches, stop, "in validation")
        figures = scores(data.manifest.labels[ids], predict_batches(predict, asked))
        return {"validation_loss": figures["loss"], "validation_accuracy": figures["accuracy"]}

    return validate


def _write_scalars(summaries: Summaries, row: dict) -> None:
    names = ("loss", "accuracy", "learning_rate", "images_per_second", "input_wait_fraction")
    summaries.scalars("train", row["epoch"], {name: row[name] for name in names})
    validation = {"loss": row["validation_loss"], "accuracy": row["validation_accuracy"]}
    if row["validation_loss"] is not None:
        summaries.scalars("validation", row["epoch"], validation)


def _show_sheets(summaries: Summaries, sheets: tuple[bytes, bytes]) -> None:
    from reports.plots import png_pixels

    for tag, png in zip(("samples", "augmented"), sheets, strict=True):
        summaries.picture("train", tag, png_pixels(png))
