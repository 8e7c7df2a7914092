"""Keras's optimizers, by name."""

from collections.abc import Sequence

import keras
import tensorflow as tf

from training.optimizer_names import WITH_MOMENTUM
from training.options import TrainingOptions
from training.schedule import make_schedule

_CLASSES = {
    "adam": keras.optimizers.Adam,
    "adamw": keras.optimizers.AdamW,
    "sgd": keras.optimizers.SGD,
    "rmsprop": keras.optimizers.RMSprop,
    "lion": keras.optimizers.Lion,
    "nadam": keras.optimizers.Nadam,
    "adamax": keras.optimizers.Adamax,
    "lamb": keras.optimizers.Lamb,
    "adafactor": keras.optimizers.Adafactor,
    "adagrad": keras.optimizers.Adagrad,
    "adadelta": keras.optimizers.Adadelta,
}


def build_optimizer(
    options: TrainingOptions, updates_per_epoch: int, rate_scale: tf.Variable | float = 1.0
) -> keras.optimizers.Optimizer:
    """The optimizer that `options` name, with Keras's own defaults; dynamic loss scaling under mixed_float16.

    The learning rate is read from `optimizer.iterations`, so a resumed run has the one it would have had; `rate_scale`
    is what --schedule=plateau multiplies it by. Weight decay takes rate x decay x weight off each weight at each
    update, whatever the optimizer (Loshchilov & Hutter, "Decoupled Weight Decay Regularization", 2019).
    """
    settings = optimizer_settings(options)
    optimizer = _CLASSES[options.optimizer](make_schedule(options, updates_per_epoch, rate_scale), **settings)
    if keras.config.dtype_policy().name == "mixed_float16":
        return keras.optimizers.LossScaleOptimizer(optimizer)
    return optimizer


def optimizer_settings(options: TrainingOptions) -> dict[str, float | bool]:
    """The arguments that differ from Keras's defaults."""
    settings = options.optimizer_arguments
    if options.weight_decay is not None:
        settings["weight_decay"] = options.weight_decay
    if options.optimizer in WITH_MOMENTUM and options.momentum is not None:
        settings["momentum"] = options.momentum
    # Nesterov momentum 0.9 unless somebody asks for another.
    return {"momentum": 0.9, "nesterov": True} | settings if options.optimizer == "sgd" else settings


def build_for(optimizer: keras.optimizers.Optimizer, variables: Sequence[keras.Variable]) -> None:
    """Makes the optimizer's own variables for these. Decay is kept off biases and the scales and offsets of norms.

    Those are the variables of one axis or none: they do not grow with the function that they scale, and pulling them to
    zero harms (He et al., "Bag of Tricks", 2019, section 3.1).
    """
    inner = getattr(optimizer, "inner_optimizer", optimizer)
    inner.exclude_from_weight_decay(var_list=[one for one in variables if len(one.shape) <= 1])
    optimizer.build(variables)
