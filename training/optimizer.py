"""The optimizer and its learning-rate schedule, both functions of the step count alone."""

import math

import keras
import tensorflow as tf

from training.options import RunOptions

ADAMW_DECAY = 0.004  # keras.optimizers.AdamW's default


class FusedAdam(keras.optimizers.Adam):
    """Keras's Adam with the update of a variable in one kernel instead of a dozen.

    The same formula (Kingma and Ba, arXiv:1412.6980, the form before section 2.1 with epsilon-hat), as
    `tf.raw_ops.ResourceApplyAdam` has it. 1 to 2 % of catdog_2's CPU step.
    """

    def update_step(self, gradient, variable, learning_rate):
        """Moves `variable` (a tf.Variable), its momentum and its velocity; called by `apply`."""
        index = self._get_variable_index(variable)
        momentum, velocity = self._momentums[index].value, self._velocities[index].value
        count = tf.cast(self.iterations.value + 1, tf.float32)
        tf.raw_ops.ResourceApplyAdam(
            var=variable.handle, m=momentum.handle, v=velocity.handle, grad=gradient, lr=learning_rate,
            beta1=self.beta_1, beta2=self.beta_2, beta1_power=tf.pow(tf.constant(self.beta_1, tf.float32), count),
            beta2_power=tf.pow(tf.constant(self.beta_2, tf.float32), count), epsilon=self.epsilon,
        )  # fmt: skip


def build_optimizer(options: RunOptions, steps_per_epoch: int) -> keras.optimizers.Optimizer:
    """Adam, AdamW or SGD with Nesterov momentum 0.9; dynamic loss scaling under mixed_float16.

    The learning rate is read from `optimizer.iterations`, so a resumed run has the one it would have had.
    """
    rate = _learning_rate(options, steps_per_epoch)
    makers = {
        "adam": lambda: FusedAdam(rate),
        "adamw": lambda: FusedAdam(rate, weight_decay=ADAMW_DECAY),
        "sgd": lambda: keras.optimizers.SGD(rate, momentum=0.9, nesterov=True),
    }
    optimizer = makers[options.optimizer]()
    if keras.config.dtype_policy().name == "mixed_float16":
        return keras.optimizers.LossScaleOptimizer(optimizer)
    return optimizer


def learning_rate_at(options: RunOptions, steps_per_epoch: int, step: int) -> float:
    """The rate that step `step`, counted from 0, is taken with."""
    rate = _learning_rate(options, steps_per_epoch)
    return float(rate(step)) if callable(rate) else rate


def _learning_rate(options: RunOptions, steps_per_epoch: int):
    warmup_steps = math.ceil(options.warmup_epochs * steps_per_epoch)
    total_steps = options.epochs * steps_per_epoch
    if options.schedule == "cosine":
        # Keras's warm-up climbs from the first argument to `warmup_target`, then decays to zero. From zero itself the
        # first step would be taken for nothing.
        start = options.learning_rate / max(1, warmup_steps)
        target = options.learning_rate if warmup_steps else None
        decay_steps = max(1, total_steps - warmup_steps)
        return keras.optimizers.schedules.CosineDecay(start, decay_steps, 0.0, warmup_target=target,
                                                      warmup_steps=warmup_steps)  # fmt: skip
    if warmup_steps:
        steps = [round(warmup_steps * part / 10) for part in range(1, 11)]
        rates = [options.learning_rate * part / 10 for part in range(1, 11)]
        return keras.optimizers.schedules.PiecewiseConstantDecay(steps, [*rates, options.learning_rate])
    return options.learning_rate
