"""The flags that describe a run; train.py and prepare.py share them."""

from absl import flags

from pipeline.augment.options import AUGMENT_PRESETS
from training.options import (
    CACHES,
    COLOR_MODES,
    ON_BAD_IMAGE,
    OPTIMIZERS,
    PLACES,
    PRECISIONS,
    PROFILE_STEPS_RULE,
    SCHEDULES,
    STRATEGIES,
    RunOptions,
    resolve,
)

DATA_FLAGS = ("data_dir", "image_size", "color_mode", "bit_depth", "full_scale", "split_fractions", "split_seed",
              "cache", "on_bad_image", "max_bad_fraction", "threads", "seed", "augment", "rotate_degrees",
              "shift_fraction", "shear_degrees", "zoom_fraction", "horizontal_flip", "vertical_flip",
              "brightness_fraction", "contrast_fraction", "full_train")  # fmt: skip
TRAIN_FLAGS = ("epochs", "global_batch_size", "learning_rate", "optimizer", "schedule", "warmup_epochs",
               "early_stop_patience", "model", "weights", "filters", "units", "dropout", "l2",
               "precision", "strategy", "replicas", "augment_on", "checkpoint_every_steps",
               "profile_steps")  # fmt: skip

_LISTS = {
    "split_fractions": (float, "numbers with commas between them"),
    "filters": (int, "numbers with commas between them"),
    "profile_steps": (int, PROFILE_STEPS_RULE),
}


def define_data_flags(values: flags.FlagValues) -> None:
    """Which pictures, how they are decoded, split, cached and augmented."""
    text, number, whole, switch = _makers(values)
    text("dataset", "realsense, catdog, folder:PATH (class folders, or split folders of class folders) or tfds:NAME")
    text("data_dir", "where the pictures are; the default is the data set's usual place")
    text("cache_dir", "where indexes and packs are kept; the default is ~/.cache/penstock")
    whole("image_size", "side of the decoded square, in pixels")
    text("color_mode", _one_of(COLOR_MODES) + "; auto is grayscale where every file is grey")
    text("bit_depth", "auto, 8 or 16 bits a channel; auto is 16 where half of the files have them")
    whole("full_scale", "the pixel value that becomes 1.0; by default 255, or what the training pictures reach")
    text("split_fractions", "train,validation,test where the folders name no split, as in 0.6,0.2,0.2")
    whole("split_seed", "of the drawn split")
    text("cache", _one_of(CACHES) + "; pack decodes once into a memory-mapped file, none decodes in every epoch")
    text("on_bad_image", _one_of(ON_BAD_IMAGE) + "; quarantine lists a bad file with its reason and goes on")
    number("max_bad_fraction", "stop where more of a class's files are bad than this fraction, 0 to 1; default 0.5: "
           "where most of a class is bad, it is not the class that it was meant to be")  # fmt: skip
    whole("threads", "for decoding and for the step; a run's bits depend on it; default: all cores")
    whole("seed", "of the order, the augmentation, the initial weights and the dropout")
    switch("full_train", "train on train + validation and export the last epoch")
    text("augment", _one_of(tuple(AUGMENT_PRESETS)) + "; the flags below change single knobs")
    number("rotate_degrees", "largest rotation, in degrees")
    number("shift_fraction", "largest shift of each axis, as a fraction of the side")
    number("shear_degrees", "largest shear angle, in degrees")
    number("zoom_fraction", "each axis is scaled by 1 - this to 1 + this")
    switch("horizontal_flip", "mirror left and right, half of the time")
    switch("vertical_flip", "mirror up and down, half of the time")
    number("brightness_fraction", "largest change of brightness, as a fraction of the value range")
    number("contrast_fraction", "contrast is scaled by 1 - this to 1 + this")


def define_train_flags(values: flags.FlagValues) -> None:
    """What learns, and how."""
    text, number, whole, _ = _makers(values)
    whole("epochs", "passes over the training split")
    whole("global_batch_size", "examples an optimizer step, over all replicas")
    number("learning_rate", "of the optimizer; the top of its schedule")
    text("optimizer", _one_of(OPTIMIZERS) + "; sgd has Nesterov momentum 0.9")
    text("schedule", _one_of(SCHEDULES) + "; of the learning rate over the run")
    number("warmup_epochs", "epochs over which the learning rate climbs to its top")
    whole("early_stop_patience", "stop after this many epochs without a lower validation loss (with --full_train: "
          "training loss); 0 never stops")  # fmt: skip
    text("model", "a model's name; README lists them")
    text("weights", "what a keras.applications backbone starts from: none, imagenet or a file of its weights")
    text("filters", "channels of each block, as in 32,64,64")
    whole("units", "width of the hidden Dense layer")
    number("dropout", "fraction of the last features dropped in training")
    number("l2", "factor of the squared kernels that joins the loss")
    text("precision", _one_of(PRECISIONS))
    text("strategy", _one_of(STRATEGIES) + "; auto is mirrored where there are several GPUs")
    whole("replicas", "devices that share each global batch; on a CPU, logical devices; default: every GPU; may change "
          "when a run is continued")  # fmt: skip
    text("augment_on", _one_of(PLACES) + "; auto is device on a GPU")
    whole("checkpoint_every_steps", "save between epoch ends too; 0 saves at epoch ends")
    text("profile_steps", "first,last step to profile for TensorBoard's Profile tab, as in 20,40: counted over all "
         "epochs from 1, as the progress bar counts; the last is recorded too")  # fmt: skip


def options_of(values: flags.FlagValues, names: tuple[str, ...]) -> RunOptions:
    """The resolved options; raises UserError for a bad value."""
    from base.errors import UserError
    from cli.paths import expand_home

    if not values.dataset:
        raise UserError("--dataset is missing: realsense, catdog, folder:PATH or tfds:NAME")
    chosen = {name: values[name].value for name in names if values[name].value is not None}
    if "data_dir" in chosen:
        chosen["data_dir"] = expand_home(chosen["data_dir"])
    for name, (kind, rule) in _LISTS.items():
        if name in chosen:
            chosen[name] = _numbers(name, chosen[name], kind, rule)
    return resolve(expand_home(values.dataset), chosen)


def flagfile_of(options: RunOptions) -> str:
    """A flagfile that gives `options` again, whatever the presets become; a path that no line of one can hold is told
    in a comment."""
    plain = options.to_json()
    knobs = plain.pop("augment")
    lines = [_flag_line(name, value) for name, value in plain.items() if value is not None and value != ""]
    return "\n".join([*lines, "--augment=none", *(f"--{name}={_shown(value)}" for name, value in knobs.items())]) + "\n"


def _flag_line(name: str, value) -> str:
    text = _shown(value)
    # absl reads a flagfile as UTF-8, line by line, without the blanks at their ends.
    if text.isprintable() and text == text.rstrip():
        return f"--{name}={text}"
    return f"# give on the command line what no line here can hold: --{name}={text!a}"


def _shown(value) -> str:
    if isinstance(value, tuple | list):
        return ",".join(f"{part!r}" for part in value)
    return str(value).lower() if isinstance(value, bool) else str(value)


def _numbers(name: str, text: str, kind: type, rule: str) -> tuple:
    from base.errors import UserError

    try:
        return tuple(kind(part) for part in text.split(","))
    except ValueError:
        raise UserError(f"--{name}={text}: it must be {rule}") from None


def _one_of(names: tuple[str, ...]) -> str:
    return ", ".join(names[:-1]) + " or " + names[-1]


def _makers(values: flags.FlagValues):
    def maker(define):
        return lambda name, text: define(name, None, text, flag_values=values)

    return (
        maker(flags.DEFINE_string),
        maker(flags.DEFINE_float),
        maker(flags.DEFINE_integer),
        maker(flags.DEFINE_boolean),
    )
