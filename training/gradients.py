"""What happens to gradients between the tape and the optimizer: their sum over replicas, accumulation, clipping.

Keras's optimizers clip each replica's part by itself, which is another gradient for every number of replicas, and their
accumulation counts a short last batch as a whole one and cannot run under a strategy.
"""

from collections.abc import Callable, Sequence

import keras
import numpy as np
import tensorflow as tf

from training.device import Hardware
from training.rates import apply_by_rates


def make_accumulators(variables: Sequence[keras.Variable]) -> list[tf.Variable]:
    """Zeros: the examples since the last update, float32 [], then the sum of their gradients for each variable."""
    sums = [tf.Variable(tf.zeros(one.shape, one.dtype), trainable=False, name=f"{one.name}_gradients")
            for one in variables]  # fmt: skip
    return [tf.Variable(0.0, trainable=False, name="accumulated_examples"), *sums]


def sum_over_replicas(gradients: list[tf.Tensor]) -> list[tf.Tensor]:
    """The same on each replica; called by all of them."""
    return tf.distribute.get_replica_context().all_reduce("SUM", gradients)


def accumulate(
    held: Sequence[tf.Variable], gradients: Sequence[tf.Tensor], examples: tf.Tensor, is_update: bool
) -> list[tf.Tensor]:
    """The mean gradients over all examples since the last update; `held`, of `make_accumulators`, begins anew then.

    `gradients` are the means over this batch's `examples`, float32 []. So the updates of N batches of B are those of
    one batch of N x B, however many examples the last batch of an epoch has.
    """
    total = held[0] + examples
    sums = [before + gradient * examples for before, gradient in zip(held[1:], gradients, strict=True)]
    for variable, value in zip(held, [total, *sums], strict=True):
        variable.assign(tf.zeros_like(value) if is_update else value)
    return [value / total for value in sums]


def clip(gradients: Sequence[tf.Tensor], norm: float, loss_scale: tf.Tensor) -> list[tf.Tensor]:
    """Scales all of them to the global `norm` where theirs is larger (Pascanu et al., "On the difficulty of training
    recurrent neural networks", 2013, algorithm 1). They may be scaled by `loss_scale`; one that overflows makes all of
    them NaN, so that the update is left out."""
    clipped, _ = tf.clip_by_global_norm(gradients, norm * tf.cast(loss_scale, tf.float32))
    return clipped


def make_update(
    optimizer: keras.optimizers.Optimizer, variables: Sequence[keras.Variable], held: Sequence[tf.Variable],
    hardware: Hardware, clip_norm: float, rate_factors: Sequence[float] = (),
) -> Callable[[list, tf.Tensor, bool], None]:  # fmt: skip
    """(gradients, examples, is_update) -> None, in a replica's context: moves `variables` where `is_update` says so.

    Args:
      held: of `make_accumulators`; empty where every batch is an update.
      clip_norm: that of `clip`; 0 for none.
      rate_factors: what of the learning rate each variable takes; empty for all of it.

    The gradients are a replica's part of the mean over the batch's `examples`, scaled as the optimizer scales losses.
    """

    def update(gradients, examples, is_update):
        if clip_norm or held:
            gradients = sum_over_replicas(gradients) if hardware.strategy else gradients
            if held:
                gradients = accumulate(held, gradients, examples, is_update)
            if clip_norm:
                gradients = clip(gradients, clip_norm, optimizer.scale_loss(tf.ones([])))
            # The optimizer adds up what the replicas give it.
            gradients = [gradient / hardware.replicas for gradient in gradients]
        elif hardware.policy == "mixed_float16" and hardware.strategy:
            gradients = _agree_on_overflow(gradients)
        if is_update:
            apply_by_rates(optimizer, gradients, variables, rate_factors)

    return update


def _agree_on_overflow(gradients: list[tf.Tensor]) -> list[tf.Tensor]:
    """Makes every replica's gradients non-finite where one replica's are.

    Keras's LossScaleOptimizer asks the first replica alone whether to skip the step
    (keras/src/optimizers/loss_scale_optimizer.py, `_tf_apply`), so an Inf on the second would be applied.
    """
    overflow = tf.cast(tf.reduce_any([tf.reduce_any(~tf.math.is_finite(g)) for g in gradients]), tf.float32)
    anywhere = tf.distribute.get_replica_context().all_reduce("SUM", overflow) > 0
    return [tf.where(anywhere, tf.constant(np.nan, gradient.dtype), gradient) for gradient in gradients]
