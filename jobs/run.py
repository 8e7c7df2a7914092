"""A run: the context that everything that happens in it is handed."""

import contextlib
import dataclasses
import functools
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import keras
import tensorflow as tf

from base.errors import UserError
from base.watch import Watch
from evaluation.probabilities import split_batches
from jobs.beginning import begin_with
from jobs.options import RunOptions, flagfile
from models.freezing import freeze, freeze_all
from models.network_file import NetworkFile
from models.zoo import build_model, check_model
from pipeline.data import Data, load, look
from pipeline.order import Order, fitting_size, shard_size
from pipeline.sources.folders import Catalog
from records.run_folder import RunFolder
from reports.summaries import Summaries, open_summaries
from training import device
from training.checkpoint import Checkpoint
from training.clock import RunClock
from training.phases import HEAD, Phase, keeps_statistics, phases_of
from training.recipe import balanced_weights


@dataclasses.dataclass(frozen=True)
class Run:
    """The context of one training, born before its first step.

    Attributes:
      options: resolved, `threads` too.
      hardware: devices, strategy and precision.
      folder: held by this process; the only door to the run's files.
      watch: takes log lines and progress, and says whether to stop.
      summaries: TensorBoard's event files.
      data: checked, split, packed or streamed.
      clock: counts the run's time from this start's beginning.
      global_batch_size: what `options` ask for, or less where the training split has fewer examples.
      cache_dir: where features are kept.
    """

    options: RunOptions
    hardware: device.Hardware
    folder: RunFolder
    watch: Watch
    summaries: Summaries
    data: Data
    clock: RunClock
    global_batch_size: int
    cache_dir: Path

    @functools.cached_property
    def order(self) -> Order:
        """The global batches of training."""
        return Order(self.data.splits.ids["train"], self.global_batch_size, self.options.seed, shuffle=True)

    def split_batches(self, split: str) -> tf.data.Dataset:
        """A split as evaluation sees it, which has examples; made once, as making it traces."""
        if split not in self._split_batches:
            ids = self.data.splits.ids[split]
            self._split_batches[split] = split_batches(self.data, ids, self.global_batch_size)
        return self._split_batches[split]

    @functools.cached_property
    def kept(self) -> dict[str, Any]:
        """What was made of this run and is needed again, by name."""
        return {}

    @functools.cached_property
    def _split_batches(self) -> dict[str, tf.data.Dataset]:
        return {}

    @functools.cached_property
    def phases(self) -> tuple[Phase, ...]:
        """What learns first, and what then."""
        return phases_of(self.options.training, self.options.model.is_pretrained)

    def phase_after(self, history: Sequence[Mapping]) -> Phase:
        """The phase of the step that follows the epochs of `history`; the last one where all are done."""
        return next((phase for phase in self.phases if not phase.is_over(history)), self.phases[-1])

    @property
    def last_step(self) -> int:
        """How many steps all epochs have; early stopping may take fewer."""
        return sum(phase.options.epochs for phase in self.phases) * self.order.steps_per_epoch

    @property
    def num_classes(self) -> int:
        """Classes of the data set."""
        return len(self.data.manifest.class_names)

    @functools.cached_property
    def class_weights(self) -> tuple[float, ...]:
        """Of the training loss, a number a class; empty where none were asked for."""
        if self.options.training.class_weights == "none":
            return ()
        return balanced_weights(self.data.splits.counts(self.data.manifest)["train"])

    @property
    def augments_on(self) -> tuple[str, str]:
        """("host" or "device", why)."""
        if self.options.training.augment_on != "auto":
            return self.options.training.augment_on, "asked for"
        if self.hardware.accelerated:
            return "device", "an accelerator warps for nothing, and uint8 is what crosses the bus"
        return "host", "the CPU is the device"

    @property
    def augments_on_device(self) -> bool:
        """Whether the step augments, and pixels come to it as they are stored."""
        return self.augments_on[0] == "device"

    def new_model(self) -> keras.Model:
        """A model as the one that is trained, with variables of its own, for values to come."""
        options, shape = self.options, self.data.pixels.pixel_format.shape
        return build_model(options.model.to_restore(), options.seed, self.num_classes, shape)

    def write_down(self) -> None:
        """Makes the folder a run: its options, as values and as a flagfile, its network's text and its split."""
        self.folder.options.write(self.options.to_json())
        self.folder.keep()
        self.folder.flags.write(flagfile(self.options))
        if isinstance(self.options.model.network, NetworkFile):
            self.folder.network.write(self.options.model.network.source)
        self.folder.split.write(self.data.split_rows())


@contextlib.contextmanager
def open_run(
    options: RunOptions, folder: RunFolder, catalog: Catalog, cache_dir: Path, watch: Watch, saved: Checkpoint | None
) -> Iterator[tuple[Run, keras.Model]]:
    """Configures TensorFlow, looks, builds the model and loads; writes nothing to the folder.

    `saved` is the checkpoint that the run goes on from: the model's weights come out of it, and the size of its batches
    is kept, which other replicas would have chosen otherwise. Too small a picture, weights that cannot be had, and a
    layer that the model has not, are told before anything is decoded. Raises UserError, or Stopped.
    """
    clock = RunClock(time.monotonic())
    hardware = device.apply(device.choose(device.look(), options.training, options.threads))
    options = dataclasses.replace(options, threads=hardware.threads)
    kept = saved.identity.get("global_batch_size") if saved else None
    check_shares(options.training.global_batch_size, kept, hardware.replicas)
    with open_summaries(folder, watch) as summaries:
        overview = look(catalog, options.data, cache_dir, options.threads, watch)
        classes, shape = len(overview.manifest.class_names), overview.pixel_format.shape
        other_run = options.model.weights_run
        begins = options.model.to_restore() if saved or other_run else options.model
        check_model(begins, options.seed, classes, shape)
        with hardware.scope():
            model = build_model(begins, options.seed, classes, shape)
            if other_run and not saved:
                begin_with(model, other_run, watch)
            _freeze(model, options)
        data = load(overview, options.data, cache_dir, options.threads, watch)
        asked, examples = options.training.global_batch_size, len(data.splits.ids["train"])
        size = kept or fitting_size(asked, examples, hardware.replicas)
        yield Run(options, hardware, folder, watch, summaries, data, clock, size, cache_dir), model


def _freeze(model: keras.Model, options: RunOptions) -> None:
    """Has stay what of the backbone is to stay in every phase; raises UserError for an unknown layer."""
    training, is_pretrained = options.training, options.model.is_pretrained
    if not options.model.has_backbone:
        return
    if phases_of(training, is_pretrained)[-1].name == HEAD:
        freeze_all(model)
    else:
        freeze(model, training.unfreeze_from, keeps_statistics(training, is_pretrained))


def check_shares(asked: int, kept: int | None, replicas: int) -> None:
    """Raises UserError where `replicas` cannot share the batches, of `kept` examples in a run that goes on."""
    if not kept:
        shard_size(asked, replicas)  # 0 can be shared by any
    elif kept % replicas:
        raise UserError(
            f"--replicas={replicas}: the run that goes on has batches of {kept} examples, which so many cannot share: "
            f"give a number that divides {kept}"
        )
