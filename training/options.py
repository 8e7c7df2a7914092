"""Everything that a run is a function of, besides its files: resolved options, and each data set's presets."""

import dataclasses
import json

from base.errors import UserError, unknown_name
from base.options import Options, option
from models.options import ModelOptions
from pipeline.augment.options import AUGMENT_PRESETS, AugmentOptions
from pipeline.decoding.pixel_format import IMAGE_SIZES

PRECISIONS = ("auto", "float32", "mixed_bfloat16", "mixed_float16")
STRATEGIES = ("auto", "none", "mirrored")
PLACES = ("auto", "host", "device")
CACHES = ("auto", "pack", "none")
ON_BAD_IMAGE = ("quarantine", "fail")
OPTIMIZERS = ("adam", "adamw", "sgd")
SCHEDULES = ("constant", "cosine")
COLOR_MODES = ("auto", "grayscale", "rgb")
RESUMES = ("auto", "never", "must")
PROFILE_STEPS_RULE = "two whole numbers, the first and the last step, with 1 <= first <= last, as in 20,40"


@dataclasses.dataclass(frozen=True)
class RunOptions:
    """The resolved options of one run; the flags of train.py have the same names, and flags.md says what they mean."""

    dataset: str
    data_dir: str = ""
    epochs: int = 30
    global_batch_size: int = 64
    learning_rate: float = 1e-3
    optimizer: str = "adam"
    schedule: str = "constant"
    warmup_epochs: float = 0.0
    seed: int = 1
    split_fractions: tuple[float, float, float] = (0.6, 0.2, 0.2)
    split_seed: int = 1
    full_train: bool = False
    early_stop_patience: int = 0
    model: str = "residual_small"
    weights: str = "none"
    filters: tuple[int, ...] | None = None
    units: int | None = None
    dropout: float | None = None
    l2: float = 0.0
    image_size: int = 96
    color_mode: str = "auto"
    bit_depth: str = "auto"
    full_scale: int = 0
    augment: AugmentOptions = AugmentOptions()
    precision: str = "auto"
    strategy: str = "auto"
    replicas: int = 0
    augment_on: str = "auto"
    cache: str = "auto"
    on_bad_image: str = "quarantine"
    max_bad_fraction: float = 0.5
    threads: int = 0
    checkpoint_every_steps: int = 0
    profile_steps: tuple[int, int] | None = None

    def __post_init__(self):
        for name, known in _CHOICES.items():
            if getattr(self, name) not in known:
                raise unknown_name(f"--{name}", getattr(self, name), known)
        for name, (low, high) in _RANGES.items():
            if not low <= getattr(self, name) <= high:
                raise UserError(f"--{name}={getattr(self, name)}: it must be from {low:g} to {high:g}")
        _check_fractions(self.split_fractions)
        _check_window(self.profile_steps)
        _ = self.model_options  # refuses an unknown model now

    @property
    def model_options(self) -> ModelOptions:
        """What models/ needs to know."""
        return ModelOptions(self.model, self.weights, self.filters, self.units, self.dropout, self.l2, self.seed)

    def to_json(self) -> dict:
        """Plain values for options.json."""
        return dataclasses.asdict(self)


# Options that change how fast or where a run computes, but not what it is. Another number of replicas rounds sums
# otherwise, no more: its examples, their augmentation and their dropout are the same. What a run does about bad files
# decides whether there is one.
NOT_PART_OF_THE_RUN = ("data_dir", "cache", "on_bad_image", "max_bad_fraction", "checkpoint_every_steps",
                       "profile_steps", "strategy", "replicas")  # fmt: skip

_CHOICES = {
    "precision": PRECISIONS,
    "strategy": STRATEGIES,
    "augment_on": PLACES,
    "cache": CACHES,
    "on_bad_image": ON_BAD_IMAGE,
    "optimizer": OPTIMIZERS,
    "schedule": SCHEDULES,
    "color_mode": COLOR_MODES,
    "bit_depth": ("auto", "8", "16"),
}
_RANGES = {
    "epochs": (1, 100_000),
    "global_batch_size": (1, 65_536),
    "learning_rate": (1e-9, 10.0),
    "warmup_epochs": (0, 1000),
    "seed": (0, 2**31 - 1),
    "split_seed": (0, 2**31 - 1),
    "early_stop_patience": (0, 100_000),
    "l2": (0.0, 1.0),
    "max_bad_fraction": (0.0, 1.0),
    "full_scale": (0, 65_535),
    "image_size": IMAGE_SIZES,
    "replicas": (0, 64),
    "threads": (0, 1024),
    "checkpoint_every_steps": (0, 10**9),
}

_FOLDER_PRESET = {"augment": "light"}
_DATASET_PRESETS = {
    "realsense": {
        "model": "realsense_cnn", "image_size": 100, "epochs": 15, "learning_rate": 1e-3, "color_mode": "rgb",
    },
    "catdog": {
        "model": "catdog_2", "image_size": 112, "epochs": 100, "learning_rate": 1e-4, "augment": "report",
        "color_mode": "rgb",
    },
    "folder": _FOLDER_PRESET,
    "tfds": _FOLDER_PRESET,
}  # fmt: skip
_FULL_TRAIN_PATIENCE = {"catdog": 7}


def resolve(dataset: str, given: dict) -> RunOptions:
    """The options of a run: what the user gave, else the data set's preset, else the default.

    Args:
      dataset: as --dataset.
      given: option name -> value, only for those that the user gave. `augment` is a preset's name; a knob's own name
        (`rotate_degrees` ...) overrides that knob.
    """
    kind = dataset.partition(":")[0]
    merged = dict(_DATASET_PRESETS.get(kind, {}))
    if given.get("full_train") and kind in _FULL_TRAIN_PATIENCE:
        merged["early_stop_patience"] = _FULL_TRAIN_PATIENCE[kind]
    merged |= given
    name = merged.pop("augment", "none")
    if name not in AUGMENT_PRESETS:
        raise unknown_name("--augment", name, AUGMENT_PRESETS)
    knobs = {field.name for field in dataclasses.fields(AugmentOptions)} & set(merged)
    augment = dataclasses.replace(AUGMENT_PRESETS[name], **{knob: merged.pop(knob) for knob in knobs})
    return RunOptions(dataset, augment=augment, **merged)


def part_of_the_run(options: RunOptions) -> dict:
    """The options that a run is a function of, as plain values."""
    return {name: value for name, value in options.to_json().items() if name not in NOT_PART_OF_THE_RUN}


def differences(old: dict, new: dict) -> list[str]:
    """What two descriptions of a run disagree on and a resumed run cannot, as "name: old -> new" lines.

    A name within a name is written with a dot, as augment.rotate_degrees.
    """
    old, new = _flattened(json.loads(json.dumps(old))), _flattened(json.loads(json.dumps(new)))
    names = [name for name in sorted(set(old) | set(new)) if name not in NOT_PART_OF_THE_RUN]
    return [f"{name}: {old.get(name)} -> {new.get(name)}" for name in names if old.get(name) != new.get(name)]


def _flattened(values: dict, prefix: str = "") -> dict:
    flat = {}
    for name, value in values.items():
        flat |= _flattened(value, f"{prefix}{name}.") if isinstance(value, dict) else {f"{prefix}{name}": value}
    return flat


def _check_fractions(fractions: tuple[float, ...]) -> None:
    whole = len(fractions) == 3 and all(0 <= part < 1 for part in fractions) and fractions[0] > 0
    if not whole or abs(sum(fractions) - 1) > 1e-6:
        shown = ",".join(f"{part:g}" for part in fractions)
        raise UserError(
            f"--split_fractions={shown}: it must be three fractions below 1, for train, validation and test, that "
            "add up to 1, as in 0.6,0.2,0.2"
        )


def _check_window(window: tuple[int, ...] | None) -> None:
    if window is not None and not (len(window) == 2 and 1 <= window[0] <= window[1]):
        raise UserError(f"--profile_steps={','.join(map(str, window))}: it must be {PROFILE_STEPS_RULE}")


@dataclasses.dataclass(frozen=True)
class TrainingOptions(Options):
    """The recipe, the devices and the cadences of a training."""

    epochs: int = option(30, "passes over the training split", within=(1, 100_000))
    global_batch_size: int = option(64, "examples an optimizer step, over all replicas", within=(1, 65_536))
    learning_rate: float = option(1e-3, "of the optimizer; the top of its schedule", within=(1e-9, 10.0))
    optimizer: str = option("adam", "sgd has Nesterov momentum 0.9", choices=("adam", "adamw", "sgd"))
    schedule: str = option("constant", "of the learning rate over the run", choices=("constant", "cosine"))
    warmup_epochs: float = option(0.0, "epochs over which the learning rate climbs to its top", within=(0, 1000))
    early_stop_patience: int = option(
        0, "stop after this many epochs without a lower validation loss (with --full_train: training loss); 0 never "
        "stops", within=(0, 100_000),
    )  # fmt: skip
    precision: str = option(
        "auto", "auto is the fastest that this hardware computes well",
        choices=("auto", "float32", "mixed_bfloat16", "mixed_float16"),
    )  # fmt: skip
    # Another number of replicas rounds sums otherwise, no more: a run's examples, augmentation and dropout stay.
    strategy: str = option("auto", "auto is mirrored where there are several GPUs",
                           choices=("auto", "none", "mirrored"), identity=False)  # fmt: skip
    replicas: int = option(
        0, "devices that share each global batch; on a CPU, logical devices; 0 is every GPU; may change when a run is "
        "continued", within=(0, 64), identity=False,
    )  # fmt: skip
    augment_on: str = option("auto", "auto is device on a GPU", choices=("auto", "host", "device"))
    checkpoint_every_steps: int = option(
        0, "save between epoch ends too; 0 saves at epoch ends", within=(0, 10**9), identity=False
    )
    profile_steps: tuple[int, int] | None = option(
        None, "first,last step to profile for TensorBoard's Profile tab, as in 20,40: counted over all epochs from 1, "
        "as the progress bar counts; the last is recorded too", rule=PROFILE_STEPS_RULE, identity=False,
    )  # fmt: skip

    def __post_init__(self):
        super().__post_init__()
        window = self.profile_steps
        if window is not None and not (len(window) == 2 and 1 <= window[0] <= window[1]):
            raise UserError(f"--profile_steps={','.join(map(str, window))}: it must be {PROFILE_STEPS_RULE}")
