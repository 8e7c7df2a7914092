"""Everything that a run is a function of, besides its files: resolved options, and each data set's preset."""

import collections
import dataclasses
from collections.abc import Mapping

from base.errors import UserError, unknown_name
from base.options import Options, group, leaves, option, with_presets
from evaluation.options import DecisionOptions
from jobs.transfer import check_transfer, transfer_notes
from models.backbone_table import BACKBONES
from models.options import RESIDUAL_NAMES, ModelOptions, is_run
from pipeline.augment.options import AUGMENT_PRESETS, AugmentOptions
from pipeline.decoding.pixel_format import IMAGE_SIZES, shown_size
from pipeline.options import DataOptions
from training.options import HEAD_EPOCHS, HEAD_LEARNING_RATE, MOST_EPOCHS, TrainingOptions
from training.phases import chosen_train


@dataclasses.dataclass(frozen=True)
class RunOptions(Options):
    """The resolved options of one run. Each flag of train.py is one of their fields, and flags.md shows them all."""

    seed: int = option(1, "of the order, the augmentation, the initial weights and the dropout", within=(0, 2**31 - 1))
    threads: int = option(
        0, "for decoding and for the step; a run's bits depend on it; 0 is all cores", within=(0, 1024)
    )
    data: DataOptions = group(DataOptions())
    augment: AugmentOptions = group(AugmentOptions(), presets=AUGMENT_PRESETS, help="single knobs change it")
    model: ModelOptions = group(ModelOptions())
    training: TrainingOptions = group(TrainingOptions())
    decision: DecisionOptions = group(DecisionOptions())

    def __post_init__(self):
        super().__post_init__()
        if self.data.full_train:
            why_none = "with --full_train nothing is left to validate on"
            check_figures(self.training, why_none)
            check_fitted(self.decision, why_none)
        data = self.data
        if data.pack_sides != data.image_sides and not self.augment.warp.crop_scale:
            size = shown_size(*data.pack_sides)
            raise UserError(
                f"--pack_size={size}: without crops nothing reads more than --image_size="
                f"{shown_size(*data.image_sides)} of it: give --crop_scale, as in --crop_scale=0.35,1, or leave it out"
            )


def check_figures(training: TrainingOptions, why_none: str) -> None:
    """Raises UserError where a run that has no validation split is to look at a figure on it."""
    if training.needs_validation:
        raise UserError(f"{training.needs_validation}: {why_none}; name a figure on train, or leave it out")


def check_fitted(decision: DecisionOptions, why_none: str) -> None:
    """Raises UserError where a run that has no validation split is to fit something on it."""
    if decision.needs_validation:
        raise UserError(f"{decision.needs_validation}: {why_none}, and so nothing to fit it on; leave it out")


# What each data set changes of the defaults, by flag.
PRESETS = {
    "realsense": {"model": "realsense_cnn", "color_mode": "rgb"},
    "catdog": {"model": "catdog_2", "color_mode": "rgb"},
    "folder": {},
    "tfds": {},
}
# And what each model does: the recipes of the two reports belong to the models that the reports made with them.
_CATDOG_MODELS = ("catdog_1", "catdog_2", "catdog_3")
_REPORTS = {"resize": "squash", "global_batch_size": 64}
_CATDOG = _REPORTS | {"image_size": 112, "epochs": 100, "learning_rate": 1e-4, "augment": "report"}
RECIPES = {
    "realsense_cnn": _REPORTS | {"image_size": 100, "epochs": 15, "learning_rate": 1e-3, "augment": "none"},
    **dict.fromkeys(_CATDOG_MODELS, _CATDOG),
}
# A backbone with published weights: few epochs, at a rate that keeps what it knows; BUILD_NOTES.md has what else
# was measured. Its pictures have the size that it learnt from.
PRETRAINED_RECIPE = {
    "epochs": 8, "learning_rate": 3e-4, "schedule": "cosine", "warmup_epochs": 1.0, "global_batch_size": 64
}  # fmt: skip
PRETRAINED_HEAD_RECIPE = {"epochs": HEAD_EPOCHS, "learning_rate": HEAD_LEARNING_RATE, "global_batch_size": 64}
# Every other network that begins with nothing: many updates, and what keeps few pictures from being learnt by heart;
# BUILD_NOTES.md has what was measured.
SCRATCH_RECIPE = {
    "epochs": 60, "optimizer": "adamw", "weight_decay": 0.05, "schedule": "cosine", "warmup_epochs": 2.0,
    "label_smoothing": 0.1, "ema_momentum": 0.98,
}  # fmt: skip
RESIDUAL_LEARNING_RATE = 2e-3  # a network without BatchNorm may not bear it
FULL_TRAIN_RECIPES = {model: {"early_stop_patience": 7} for model in _CATDOG_MODELS}
OTHERWISE = {"augment": "light"}


def resolve(dataset: str, given: Mapping) -> RunOptions:
    """The options of a run: what the user gave, else the model's recipe, else the data set's preset, else the default.

    Args:
      dataset: as --dataset.
      given: flag -> value, only for those that the user gave. `augment` is a preset's name; a knob's own name
        (`rotate_degrees` ...) overrides that knob.

    Raises:
      UserError: a value that an option refuses.
    """
    if given.get("train_minutes") and "epochs" in given:
        minutes = f"--train_minutes={given['train_minutes']:g}"
        raise UserError(f"--epochs={given['epochs']}: {minutes} chooses how many; give one of the two")
    values = {}
    for _, layer in _layers(dataset, given):
        values |= layer
    values |= given | {"dataset": dataset}
    if given.get("train_minutes"):
        values["epochs"] = MOST_EPOCHS  # until it is known how many fit
    for name, told in with_presets(RunOptions).items():
        if name in values and values[name] not in told.presets:
            raise unknown_name(f"--{name}", values[name], told.presets)
    options = RunOptions().changed(values)
    check_transfer(options.training, options.model)
    return options


def chosen_lines(dataset: str, given: Mapping) -> list[str]:
    """The values that the user did not give, by where they come from; without those that are off, or that the run
    chooses and says by itself."""
    knobs, presets, origins = {leaf.name for leaf in leaves(AugmentOptions)}, with_presets(RunOptions), {}
    options = resolve(dataset, given)
    unsaid = knobs | options.idle() | ({"epochs"} if options.training.train_minutes else set())
    values = {name: value for name, value in options.by_flag().items() if name not in unsaid}
    for origin, layer in _layers(dataset, given):
        origins |= dict.fromkeys(layer, origin)
        values |= {name: value for name, value in layer.items() if name in presets}
    found = collections.defaultdict(list)
    for name, value in values.items():
        if name not in given and name != "dataset" and value not in ("", "auto", "none", None, 0, False):
            found[origins.get(name, "by default")].append(f"{name} {_shown(value)}")
    return [f"chosen      {origin}: {', '.join(names)}" for origin, names in found.items()]


def notes_on(options: RunOptions) -> list[str]:
    """What of the options comes to nothing, a line each."""
    training = options.training
    notes = options.augment.notes + transfer_notes(training, options.model)
    if training.warmup_epochs >= training.epochs:
        reached = training.learning_rate * training.epochs / training.warmup_epochs
        comes = f"and comes to about {reached:.2g}, never to {training.learning_rate:g}"
        notes.append(
            f"--warmup_epochs={training.warmup_epochs:g} of {training.epochs} epochs: the learning rate climbs until "
            f"the end{' ' + comes if training.warmup_epochs > training.epochs else ''}"
        )
    learns_from_pictures = chosen_train(training, options.model.is_pretrained) != "head"
    if options.model.test_time_flip and learns_from_pictures and not options.augment.warp.horizontal_flip:
        notes.append(
            "--test_time_flip without --horizontal_flip: it asks about mirrored pictures, and learns from none"
        )
    if training.early_stop_patience >= training.epochs:
        patience = training.early_stop_patience
        notes.append(f"--early_stop_patience={patience} of {training.epochs} epochs: it never stops the run")
    if options.augment.warp.crop_scale and options.data.pack_sides == options.data.image_sides:
        most = shown_size(*(min(2 * side, IMAGE_SIZES[1]) for side in options.data.image_sides))
        notes.append(
            f"--crop_scale: parts of pictures of {shown_size(*options.data.image_sides)} pixels are enlarged to that "
            f"again; --pack_size, up to {most}, keeps more of each to cut from"
        )
    return [f"note        {note}" for note in notes]


def _layers(dataset: str, given: Mapping) -> list[tuple[str, dict]]:
    """(where from, values by flag), the later ones before the earlier ones."""
    kind = dataset.partition(":")[0]
    preset = PRESETS.get(kind, {})
    model = given.get("model") or preset.get("model") or RunOptions().model.name
    recipe = RECIPES.get(model, {}) | (FULL_TRAIN_RECIPES.get(model, {}) if given.get("full_train") else {})
    scratch = ("from random weights", {} if recipe else _scratch_recipe(model, given))
    pretrained = (f"for {model} with published weights", _pretrained_recipe(model, given))
    return [("by default", OTHERWISE), scratch, (f"for {kind}", preset), (f"for {model}", recipe), pretrained]


def _scratch_recipe(model: str, given: Mapping) -> dict:
    """That of random weights, with a shorter warm-up where there are few epochs; nothing for any others."""
    if given.get("weights", "none") != "none":
        return {}
    few = given.get("epochs", SCRATCH_RECIPE["epochs"]) / 10
    recipe = SCRATCH_RECIPE | {"warmup_epochs": min(SCRATCH_RECIPE["warmup_epochs"], few)}
    return recipe | ({"learning_rate": RESIDUAL_LEARNING_RATE} if model in RESIDUAL_NAMES else {})


def _pretrained_recipe(model: str, given: Mapping) -> dict:
    """That of a backbone that begins with published weights; nothing for any other model."""
    weights = given.get("weights", "none")
    if model not in BACKBONES or weights == "none" or is_run(weights):
        return {}
    recipe = PRETRAINED_HEAD_RECIPE if given.get("train") == "head" else PRETRAINED_RECIPE
    return {"image_size": BACKBONES[model].imagenet_sides[-1]} | recipe


def flagfile(options: RunOptions) -> str:
    """A flagfile that gives `options` again, whatever the presets become; a path that no line of one can hold is told
    in a comment."""
    values = {name: value for name, value in options.by_flag().items() if value is not None and value != ""}
    values.pop("train_minutes")  # its number of epochs is there
    lines = [f"--{name}=none" for name in with_presets(RunOptions)]
    return "\n".join([*lines, *(_flag_line(name, value) for name, value in values.items())]) + "\n"


def _flag_line(name: str, value: object) -> str:
    text = _shown(value)
    # absl reads a flagfile as UTF-8, line by line, without the blanks at their ends.
    if text.isprintable() and text == text.rstrip():
        return f"--{name}={text}"
    return f"# give on the command line what no line here can hold: --{name}={text!a}"


def _shown(value: object) -> str:
    if isinstance(value, tuple | list):
        return ",".join(f"{part!r}" for part in value)
    return str(value).lower() if isinstance(value, bool) else str(value)
