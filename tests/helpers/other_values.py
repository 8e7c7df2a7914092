"""Another valid value for every option, and what must be given with it."""

from base.options import leaves
from jobs.options import RunOptions

# Another valid value for every option: a test that changes one at a time needs them all.
OTHER_VALUES = {
    "dataset": "folder:elsewhere", "data_dir": "/elsewhere", "epochs": 3, "global_batch_size": 10,
    "learning_rate": 0.25, "optimizer": "sgd", "schedule": "one_cycle", "warmup_epochs": 1.5, "seed": 9,
    "split_fractions": (0.5, 0.5, 0.0), "split_seed": 4, "folds": 4, "fold": 2, "full_train": True,
    "early_stop_patience": 2,
    "model": "catdog_1", "weights": "/elsewhere/run", "filters": (4, 8), "blocks": 3, "units": 5, "dropout": 0.5,
    "l2": 1e-05, "test_time_flip": True, "image_size": (100, 120), "pack_size": (120, 130),
    "resize": "pad", "crop_scale": (0.25, 1.0),
    "crop_ratio": (0.5, 2.0), "color_mode": "grayscale", "bit_depth": "16", "full_scale": 4095,
    "background": "#ff8000",
    "rotate_degrees": 1.0, "shift_fraction": 0.25, "shear_degrees": 3.0, "zoom_fraction": 0.5, "horizontal_flip": True,
    "vertical_flip": True, "brightness_fraction": 0.125, "contrast_fraction": 0.0625, "saturation_fraction": 0.375,
    "hue_degrees": 2.0, "randaugment_operations": 2, "randaugment_magnitude": 3.0, "erase_probability": 0.625,
    "mixup_alpha": 0.75, "cutmix_alpha": 1.5, "mix_probability": 0.875, "precision": "mixed_float16",
    "strategy": "mirrored", "replicas": 2, "augment_on": "device", "cache": "none", "on_bad_image": "fail",
    "max_bad_fraction": 0.25, "threads": 3, "labels_csv": "/elsewhere.csv",
    "checkpoint_every_steps": 7, "profile_steps": (2, 4), "train": "head_then_all", "head_epochs": 4,
    "head_learning_rate": 0.5, "unfreeze_from": "0.5", "backbone_rate_factor": 0.125, "backbone_batchnorm": "train",
    "final_rate_fraction": 0.25, "decay_factor": 0.5,
    "step_epochs": 2.5, "plateau_patience": 4, "optimizer_args": "nesterov=false", "momentum": 0.5,
    "weight_decay": 0.01, "clip_norm": 2.5, "accumulate_steps": 3, "label_smoothing": 0.25, "class_weights": "balanced",
    "early_stop_on": "accuracy", "best_on": "last", "ema_momentum": 0.5, "train_minutes": 7.5,
    "calibrate": True, "threshold_for": "precision:0.75", "positive_class": "dogs",
}  # fmt: skip
# What must be given too, for the other value to be valid.
BACKBONE = {"model": "mobilenet_v2"}
CROPS = {"crop_scale": (0.5, 0.75)}
IN_PHASES = BACKBONE | {"train": "head_then_all"}
BESIDE = {"units": {"model": "catdog_3"}, "blocks": {"model": "residual_wide"},
          "optimizer_args": {"optimizer": "sgd"}, "pack_size": CROPS, "crop_ratio": CROPS,
          "early_stop_on": {"early_stop_patience": 2}, "fold": {"folds": 3},
          "positive_class": {"threshold_for": "recall:0.5"},
          "head_epochs": IN_PHASES, "head_learning_rate": IN_PHASES,
          **dict.fromkeys(("weights", "train", "unfreeze_from"), BACKBONE),
          **dict.fromkeys(("backbone_rate_factor", "backbone_batchnorm"), BACKBONE)}  # fmt: skip


def beside(name: str) -> dict:
    """The options that another value of option `name` needs."""
    only_with = next(leaf.option.only_with for leaf in leaves(RunOptions) if leaf.name == name)
    return BESIDE.get(name, {}) | ({only_with[0]: only_with[1][0]} if only_with else {})


def other_values_together() -> dict:
    """As many of the other values as go together."""
    idle = {
        leaf.name
        for leaf in leaves(RunOptions)
        if leaf.option.only_with and OTHER_VALUES[leaf.option.only_with[0]] not in leaf.option.only_with[1]
    }
    idle |= {name for name, needed in BESIDE.items() if BACKBONE.items() <= needed.items()} | {"train_minutes"}
    idle |= {"calibrate", "threshold_for", "positive_class"}  # --full_train leaves nothing to fit them on
    return {name: value for name, value in OTHER_VALUES.items() if name not in idle}
