"""Keras's optimizers, by name."""

import keras
import tensorflow as tf

from training.options import TrainingOptions
from training.schedule import make_schedule

ADAMW_DECAY = 0.004  # keras.optimizers.AdamW's default


def build_optimizer(
    options: TrainingOptions, updates_per_epoch: int, rate_scale: tf.Variable | float = 1.0
) -> keras.optimizers.Optimizer:
    """Adam, AdamW or SGD with Nesterov momentum 0.9; dynamic loss scaling under mixed_float16.

    The learning rate is read from `optimizer.iterations`, so a resumed run has the one it would have had; `rate_scale`
    is what --schedule=plateau multiplies it by.
    """
    rate = make_schedule(options, updates_per_epoch, rate_scale)
    makers = {
        "adam": lambda: keras.optimizers.Adam(rate),
        "adamw": lambda: keras.optimizers.AdamW(rate, weight_decay=ADAMW_DECAY),
        "sgd": lambda: keras.optimizers.SGD(rate, momentum=0.9, nesterov=True),
    }
    optimizer = makers[options.optimizer]()
    if keras.config.dtype_policy().name == "mixed_float16":
        return keras.optimizers.LossScaleOptimizer(optimizer)
    return optimizer
