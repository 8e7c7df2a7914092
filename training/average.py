"""Averaged weights: a second model that follows the one that is trained, and is evaluated and exported in its place.

After Polyak & Juditsky, "Acceleration of Stochastic Approximation by Averaging" (1992), with exponentially falling
weights. The average is a model of its own, so validation swaps nothing and the accelerator waits for nobody.
"""

from collections.abc import Sequence

import keras
import numpy as np
import tensorflow as tf


def begin_average(average: keras.Model, model: keras.Model) -> None:
    """Gives `average`, another model of the same kind, the values of `model`."""
    for mean, variable in zip(average.variables, model.variables, strict=True):
        mean.assign(np.asarray(variable))


def kept_part(momentum: float, updates: tf.Tensor) -> tf.Tensor:
    """What the average keeps of itself after so many updates, counted with this one: min(momentum, (1 + n) / (10 + n)).

    The rule of tf.train.ExponentialMovingAverage (`num_updates`): a short run, too, forgets the weights that it began
    with, of which momentum^n would be left otherwise.
    """
    count = tf.cast(updates, tf.float32)
    return tf.minimum(momentum, (1.0 + count) / (10.0 + count))


def follow(
    average: Sequence[keras.Variable], variables: Sequence[keras.Variable], kept: tf.Tensor,
    strategy: tf.distribute.Strategy | None,
) -> None:  # fmt: skip
    """Moves each variable of `average` by 1 - `kept` of the way to its like; graph code, called once for all replicas.

    BatchNorm's moving statistics are averaged too, as timm's ModelEmaV2 does: the activations that they describe are
    those of weights as old as the averaged ones. What is no number to average, as dropout's state, is left alone.
    """
    extended = (strategy or tf.distribute.get_strategy()).extended
    for mean, variable in zip(average, variables, strict=True):
        if keras.backend.is_float_dtype(variable.dtype):
            extended.update(mean.value, _move, args=(variable.value, kept), group=False)


def _move(mean: tf.Variable, value: tf.Tensor, kept: tf.Tensor) -> None:
    mean.assign_add((1.0 - kept) * (value - mean))
