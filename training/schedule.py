"""The learning rate of each update: a function of its number alone, and for `plateau` of the epochs before it."""

import math
from collections.abc import Mapping, Sequence

import keras
import tensorflow as tf

from training.options import TrainingOptions

# The defaults of fastai's and PyTorch's one-cycle schedules: where the climb begins, and its part of the run.
ONE_CYCLE_START, ONE_CYCLE_CLIMB = 1 / 25, 0.3
# Of keras.callbacks.ReduceLROnPlateau: a loss that falls by less is no better.
LEAST_IMPROVEMENT = 1e-4


class Schedule(keras.optimizers.schedules.LearningRateSchedule):
    """The number of an update, counted from 0 -> its learning rate, float32.

    - Warm-up: update s of the first W has (s + 1) / (W + 1) of the top rate (Goyal et al., "Accurate, Large Minibatch
      SGD", 2017, section 2.2).
    - cosine: half a cosine from the top to the floor (Loshchilov & Hutter, "SGDR", 2017, equation 5, one period).
    - step: times the decay factor every so many epochs (He et al., "Deep Residual Learning", 2016, section 3.4).
    - one_cycle: half a cosine up to the top, half a cosine down to the floor (Smith & Topin, "Super-Convergence", 2018,
      in fastai's form); a warm-up says how long the climb is.
    - plateau: times `scale`, which follows the losses; see `plateau_scale`.
    """

    def __init__(self, options: TrainingOptions, updates_per_epoch: int, scale: tf.Variable | float = 1.0):
        """`scale` multiplies all rates; a variable is read at each update."""
        self._options, self._scale = options, scale
        self._last, self._floor = options.epochs * updates_per_epoch, options.final_rate_fraction
        self._climb = math.ceil(options.warmup_epochs * updates_per_epoch)
        if options.schedule == "one_cycle" and not self._climb:
            self._climb = round(ONE_CYCLE_CLIMB * self._last)
        self._stair = max(1.0, options.step_epochs * updates_per_epoch)

    def __call__(self, step):
        """See the class."""
        step = keras.ops.cast(step, "float32")
        climbing = self._climbing(step) if self._climb else 1.0
        factor = tf.where(step < self._climb, climbing, self._falling(step))
        return self._options.learning_rate * factor * self._scale

    def _climbing(self, step: tf.Tensor) -> tf.Tensor:
        if self._options.schedule == "one_cycle":
            return 1.0 - (1.0 - ONE_CYCLE_START) * _half_cosine(step / self._climb)
        return (step + 1.0) / (self._climb + 1.0)

    def _falling(self, step: tf.Tensor) -> tf.Tensor:
        if self._options.schedule in ("cosine", "one_cycle"):
            part = (step - self._climb) / max(1, self._last - self._climb)
            return self._floor + (1.0 - self._floor) * _half_cosine(tf.clip_by_value(part, 0.0, 1.0))
        if self._options.schedule == "step":
            return tf.maximum(self._options.decay_factor ** tf.floor(step / self._stair), self._floor)
        return tf.ones([])


def _half_cosine(part: tf.Tensor) -> tf.Tensor:
    """1 at part 0, 0 at part 1."""
    return 0.5 * (1.0 + tf.cos(math.pi * part))


def make_schedule(
    options: TrainingOptions, updates_per_epoch: int, scale: tf.Variable | float = 1.0
) -> float | Schedule:
    """What a Keras optimizer takes as its learning rate; a plain number where it is the same for all updates."""
    if options.schedule == "constant" and not options.warmup_epochs:
        return options.learning_rate
    return Schedule(options, updates_per_epoch, scale)


def plateau_scale(options: TrainingOptions, history: Sequence[Mapping]) -> float:
    """What --schedule=plateau multiplies the rate by after the epochs of `history`; 1 for every other schedule.

    As keras.callbacks.ReduceLROnPlateau without a cooldown: whenever the loss, on validation where there is one, has
    not fallen for so many epochs, times the decay factor, down to the floor.
    """
    if options.schedule != "plateau":
        return 1.0
    best, waited, scale = math.inf, 0, 1.0
    for row in history:
        loss = row["loss"] if row["validation_loss"] is None else row["validation_loss"]
        waited += 1
        if loss < best - LEAST_IMPROVEMENT:
            best, waited = loss, 0
        elif waited >= options.plateau_patience:
            scale, waited = max(scale * options.decay_factor, options.final_rate_fraction), 0
    return scale


def learning_rate_at(
    options: TrainingOptions, updates_per_epoch: int, update: int, history: Sequence[Mapping] = ()
) -> float:
    """The rate that an update, counted from 0, is taken with; `history` are the epochs that had ended before it."""
    rate = make_schedule(options, updates_per_epoch, plateau_scale(options, history))
    return float(rate(update)) if callable(rate) else rate


def schedule_words(options: TrainingOptions) -> str:
    """The schedule in words, for the log."""
    top, floor = f"{options.learning_rate:g}", f"{options.learning_rate * options.final_rate_fraction:g}"
    factor, patience = f"{options.decay_factor:g}", options.plateau_patience
    words = {
        "constant": top,
        "cosine": f"cosine from {top} to {floor} over {options.epochs} epochs",
        "step": f"{top} times {factor} every {options.step_epochs:g} epochs",
        "one_cycle": f"one cycle up to {top} and down to {floor} over {options.epochs} epochs",
        "plateau": f"{top} times {factor} whenever the loss has not fallen for {patience} epochs",
    }[options.schedule]
    return words + (f", warm-up {options.warmup_epochs:g} epochs" if options.warmup_epochs else "")
