"""The optimizer and its learning-rate schedule, both functions of the step count alone."""

import math

import keras

from training.options import TrainingOptions

ADAMW_DECAY = 0.004  # keras.optimizers.AdamW's default


def build_optimizer(options: TrainingOptions, steps_per_epoch: int) -> keras.optimizers.Optimizer:
    """Adam, AdamW or SGD with Nesterov momentum 0.9; dynamic loss scaling under mixed_float16.

    The learning rate is read from `optimizer.iterations`, so a resumed run has the one it would have had.
    """
    rate = make_schedule(options, steps_per_epoch)
    makers = {
        "adam": lambda: keras.optimizers.Adam(rate),
        "adamw": lambda: keras.optimizers.AdamW(rate, weight_decay=ADAMW_DECAY),
        "sgd": lambda: keras.optimizers.SGD(rate, momentum=0.9, nesterov=True),
    }
    optimizer = makers[options.optimizer]()
    if keras.config.dtype_policy().name == "mixed_float16":
        return keras.optimizers.LossScaleOptimizer(optimizer)
    return optimizer


def make_schedule(
    options: TrainingOptions, steps_per_epoch: int
) -> float | keras.optimizers.schedules.LearningRateSchedule:
    """What a Keras optimizer takes as its learning rate: constant or falling as a cosine, after a warm-up."""
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


def learning_rate_at(options: TrainingOptions, steps_per_epoch: int, step: int) -> float:
    """The rate that step `step`, counted from 0, is taken with."""
    rate = make_schedule(options, steps_per_epoch)
    return float(rate(step)) if callable(rate) else rate
