"""The log lines of a run: what was found, what was chosen, and why; and what came out."""

import collections
from collections.abc import Mapping, Sequence

import keras
import numpy as np

from base.errors import one_line
from base.watch import Watch
from jobs.options import RunOptions
from jobs.run import Run
from jobs.transfer import is_transfer, train_words
from models.backbone_table import BACKBONES
from models.own_network import left_as_they_are
from pipeline.augment.options import AugmentOptions
from pipeline.data import Data
from pipeline.pixels import PackedPixels
from pipeline.sources.entries import Aside
from reports.bottleneck import describe_input
from training.loop import Loop
from training.memory import free_bytes, memory_lines, step_bytes
from training.phases import HEAD, keeps_statistics
from training.schedule import schedule_words
from training.step import TrainState

MOST_REASONS = 5
MOST_COUNTED = 16  # classes on a line
MOST_CLASSES = 60


def announce(run: Run) -> None:
    """Device, strategy, precision, XLA, data, augmentation, steps; and why each automatic choice was made."""
    say, order, size = run.watch.say, run.order, run.global_batch_size
    for line in run.hardware.log_lines:
        say(line)
    announce_data(run.options, run.data, run.watch)
    place, why = run.augments_on
    if run.phases[-1].name == HEAD:
        shown = turned_knobs(run.options.augment)
        idle = f"; {shown} is for pictures, and does nothing here" if shown else ""
        say(f"augment     none: the head learns on features of pictures as they are{idle}")
    else:
        channels = run.data.pixels.pixel_format.channels
        for line in augmentation_lines(run.options.augment, channels, f"{place} ({why})"):
            say(line)
    if is_transfer(run.options.training, run.options.model):
        say(f"train       {train_words(run.options.training, run.options.model)}")
    rest, asked = len(order.example_ids) % size, run.options.training.global_batch_size
    if not asked:
        say(f"batch       {size} of {len(order.example_ids)} examples to train on, by default (--global_batch_size)")
    elif size < asked:
        say(f"batch       {size} and not {asked}: there are {len(order.example_ids)} examples to train on")
    say(
        f"steps       {order.steps_per_epoch} an epoch: {len(order.example_ids)} examples / global batch size {size}"
        f" ({size // run.hardware.replicas} a replica)" + (f", the last batch has {rest} and padding" if rest else "")
    )
    say_updates(run)
    say_class_weights(run)


def turned_knobs(augment: AugmentOptions) -> str:
    """Those that are not as they are by default, with their values."""
    unturned = AugmentOptions().by_flag()
    turned = {name: value for name, value in augment.by_flag().items() if value != unturned[name]}
    return ", ".join(f"{name} {_numbers(value)}" for name, value in turned.items())


def augmentation_lines(augment: AugmentOptions, channels: int, place: str) -> list[str]:
    """The knobs that are turned and where they act, and what a user should know of them."""
    lines = [f"augment     {turned_knobs(augment) or 'none'}; on the {place}"]
    if augment.tint.active and channels == 1:
        lines.append("  note      --saturation_fraction and --hue_degrees change nothing: the pictures are gray")
    if augment.mix.active:
        lines.append("  note      accuracy in training is that of mixed pictures, by the class of their larger part")
    return lines


def say_class_weights(run: Run) -> None:
    """What each class weighs, where they were to be balanced."""
    names, weights = run.data.manifest.class_names, run.class_weights
    if len(set(weights)) > 1:
        ends = sorted(range(len(weights)), key=weights.__getitem__)
        shown = ends if len(ends) <= MOST_COUNTED else (ends[0], ends[-1])
        run.watch.say("weights     " + ", ".join(f"{names[one]} {weights[one]:.3g}" for one in sorted(shown)))
    elif weights:
        run.watch.say("  note      --class_weights=balanced changes nothing: all classes have as many examples")


def say_updates(run: Run) -> None:
    """How many updates an epoch has, where these are fewer than its steps."""
    training, steps = run.options.training, run.order.steps_per_epoch
    if training.accumulate_steps > 1:
        most, rest = min(training.accumulate_steps, steps), steps % training.accumulate_steps
        last = f", the last from {rest}" if rest and steps > rest else ""
        run.watch.say(f"updates     {training.updates_of(steps)} an epoch, each from {most} batches{last}")


def announce_memory(run: Run, state: TrainState) -> None:
    """What a step needs; raises UserError where that is far beyond what is free."""
    hardware, rows = run.hardware, run.global_batch_size
    held = [variable for part in state.parts.values() for variable in part]
    needed = step_bytes(state.model, held, rows, hardware.replicas)
    # What a GPU has free TensorFlow does not say.
    for line in memory_lines(needed, None if hardware.accelerated else free_bytes(), rows):
        run.watch.say(line)


def announce_data(options: RunOptions, data: Data, watch: Watch) -> None:
    """Counts a class and split, what was refused, real or rendered, and how pictures are decoded and kept."""
    origin = data.manifest.data_origin
    shown = "SYNTHETIC: rendered faces, not camera pictures" if origin == "synthetic" else "real pictures"
    examples = sum(len(ids) for ids in data.splits.ids.values())
    watch.say(f"data        {options.data.dataset}: {shown}; {examples} examples, {len(data.quarantine)} quarantined")
    for split, counts in data.splits.counts(data.manifest).items():
        watch.say(f"  {split:<11}{sum(counts)} ({_counts(data.manifest.class_names, counts)})")
    for path, reason in data.quarantine[:5]:
        watch.say(f"  refused   {one_line(path)}: {reason}")
    for line in aside_lines(data.aside):
        watch.say(f"  aside     {line}")
    for note in data.notes:
        watch.say(f"  note      {note}")
    for what, ids in (("split", data.splits.shared), ("class", data.splits.contradicting)):
        if len(ids):
            pair = " and ".join(one_line(data.manifest.paths[one]) for one in _twins(data, ids, what))
            words = f"have the same bytes as a file of another {what} and are used all the same, as {pair}"
            watch.say(f"  warning   {len(ids)} files {words}")
    for label, line in data.log_lines.items():
        watch.say(f"{label:<12}{line}")


def _numbers(value: float | Sequence[float]) -> str:
    return ",".join(f"{one:g}" for one in value) if isinstance(value, Sequence) else f"{value:g}"


def _counts(names: Sequence[str], counts: Sequence[int]) -> str:
    """Examples a class; of many classes the extremes."""
    if len(names) <= MOST_COUNTED:
        return ", ".join(f"{name} {count}" for name, count in zip(names, counts, strict=True))
    least, most = int(np.argmin(counts)), int(np.argmax(counts))
    return f"{len(names)} classes, {counts[least]} ({names[least]}) to {counts[most]} ({names[most]}) each"


def _twins(data: Data, ids: np.ndarray, what: str) -> tuple[int, int]:
    """The first of `ids`, and one with its bytes that is in another `what`: "split" or "class"."""
    digests = data.manifest.facts["sha256"]
    alike = [one for one in ids.tolist() if (digests[one] == digests[ids[0]]).all()]
    homes = {one: split for split, members in data.splits.ids.items() for one in members.tolist()}
    mark = homes.get if what == "split" else data.manifest.labels.__getitem__
    return alike[0], next(one for one in alike if mark(one) != mark(alike[0]))


def aside_lines(aside: Aside) -> list[str]:
    """A line a reason: how many files and folders are not used for it, and one of them."""
    groups = collections.defaultdict(list)
    for path, reason in aside:
        groups[reason].append(path)
    largest = sorted(groups.items(), key=lambda group: -len(group[1]))[:MOST_REASONS]
    return [f"{len(paths)} not used: {reason}, as '{one_line(paths[0])}'" for reason, paths in largest]


def some_of(lines: Sequence[str], what: str, most: int = MOST_CLASSES) -> list[str]:
    """The first of `lines`, each of one of `what`, with a last line that counts the others."""
    rest = len(lines) - most
    return list(lines) if rest <= 1 else [*lines[:most], f"  and {rest} other {what}"]


def announce_model(run: Run, model: keras.Model) -> None:
    """The network, what it begins with, and what moves it."""
    training, weights = run.options.training, run.options.model.weights
    begins = "random weights" if weights == "none" else f"weights {weights}"
    if weights == "imagenet":
        side = BACKBONES[run.options.model.name].imagenet_side(*run.options.data.image_sides)
        begins += f" of {side}-pixel pictures"
    parameters = f"{parameters_of(model):,} parameters{' that learn' * is_transfer(training, run.options.model)}"
    run.watch.say(
        f"model       {run.options.model.shown}, {parameters}, {begins}; {training.optimizer} "
        f"{schedule_words(training)}"
        + (f", averaged with momentum {training.ema_momentum:g}" if training.ema_momentum else "")
    )
    if run.options.model.network:
        for line in left_as_they_are(model):
            run.watch.say(f"  note      {line}")


def announce_phase(run: Run, loop: Loop) -> None:
    """What learns in a phase, where some of the model may not, or not as the rest does."""
    if is_transfer(run.options.training, run.options.model):
        run.watch.say(f"phase       {phase_words(run, loop)}")


def phase_words(run: Run, loop: Loop) -> str:
    """What learns in a phase: how much of the model, for how long, and how fast."""
    options, model, learner = loop.phase.options, run.options.model, loop.state.learner
    parts = [f"{loop.phase.name}: {len(learner.trainable_variables)} of {len(loop.state.model.weights)} variables "
             f"learn, {parameters_of(learner):,} numbers"]  # fmt: skip
    parts.append(f"{options.epochs} epochs by {options.optimizer} {options.learning_rate:g}")
    if loop.state.rate_factors:
        parts.append(f"the backbone at {options.learning_rate * options.backbone_rate_factor:g}")
    if loop.phase.name != HEAD and keeps_statistics(options, model.is_pretrained):
        parts.append("its BatchNorm keeps its statistics")
    return "; ".join(parts)


def parameters_of(model: keras.Model) -> int:
    """How many numbers training changes."""
    return sum(int(np.prod(variable.shape)) for variable in model.trainable_variables)


def bottleneck_of(run: Run, row: Mapping) -> str:
    """`reports.bottleneck` on a row of this run's history; of epochs on features, which read no picture, that."""
    if row["phase"] == HEAD:
        return "the head learnt from features in memory: no picture was read"
    host_augments = run.hardware.accelerated and not run.augments_on_device
    return describe_input(row, isinstance(run.data.train_pixels, PackedPixels), host_augments)
