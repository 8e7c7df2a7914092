"""Everything that a run is a function of, besides its files: resolved options, and each data set's preset."""

import dataclasses
from collections.abc import Mapping

from base.errors import unknown_name
from base.options import Options, group, option, with_presets
from models.options import ModelOptions
from pipeline.augment.options import AUGMENT_PRESETS, AugmentOptions
from pipeline.options import DataOptions
from training.options import TrainingOptions


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


# What each data set changes of the defaults, by flag; the first two are the recipes of the two reports.
PRESETS = {
    "realsense": {
        "model": "realsense_cnn", "image_size": 100, "epochs": 15, "learning_rate": 1e-3, "color_mode": "rgb",
    },
    "catdog": {
        "model": "catdog_2", "image_size": 112, "epochs": 100, "learning_rate": 1e-4, "augment": "report",
        "color_mode": "rgb",
    },
    "folder": {"augment": "light"},
    "tfds": {"augment": "light"},
}  # fmt: skip
FULL_TRAIN_PRESETS = {"catdog": {"early_stop_patience": 7}}


def resolve(dataset: str, given: Mapping) -> RunOptions:
    """The options of a run: what the user gave, else the data set's preset, else the default.

    Args:
      dataset: as --dataset.
      given: flag -> value, only for those that the user gave. `augment` is a preset's name; a knob's own name
        (`rotate_degrees` ...) overrides that knob.

    Raises:
      UserError: a value that an option refuses.
    """
    kind = dataset.partition(":")[0]
    full_train = FULL_TRAIN_PRESETS.get(kind, {}) if given.get("full_train") else {}
    values = PRESETS.get(kind, {}) | full_train | given | {"dataset": dataset}
    for name, told in with_presets(RunOptions).items():
        if name in values and values[name] not in told.presets:
            raise unknown_name(f"--{name}", values[name], told.presets)
    return RunOptions().changed(values)


def flagfile(options: RunOptions) -> str:
    """A flagfile that gives `options` again, whatever the presets become; a path that no line of one can hold is told
    in a comment."""
    values = {name: value for name, value in options.by_flag().items() if value is not None and value != ""}
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
