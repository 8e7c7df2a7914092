"""Numbers gone bad: the step notes them where it computes, the loop reads the notes now and then.

Looking at every step's loss would have the host wait for an accelerator in every step. So each step writes into one
small variable, and the first trouble stays in it: whoever reads it later learns which step it was. The variable is
part of the state, so a resumed run counts on.
"""

import dataclasses
from collections.abc import Mapping, Sequence

import keras
import numpy as np
import tensorflow as tf

# A row of updates left out that ends the run. Each halves the loss scale, so fifty take it through all of float16: from
# 2^25, far above the first scale of 2^15, to 2^-25, where the scaled loss itself rounds to 0.
MAX_SKIPPED_UPDATES = 50

_LOWER = "lower --learning_rate, or train in --precision=float32"
_STEPS, _UPDATES, _SKIPPED, _RECORD = 0, 1, 2, 3
_RECORD_WIDTH = 4  # step, loss, updates, loss scale; the rows follow


@dataclasses.dataclass(frozen=True)
class Trouble:
    """The first step that went wrong.

    Attributes:
      what: happened, and `fix`, what the user can do, in words.
      step: counted from 1 over all epochs.
      updates: optimizer updates before it, in its phase.
      loss_scale: that it was taken with; None where the loss is not scaled.
      bad_rows: int64 [n], the rows of the global batch whose own loss is not finite.
    """

    what: str
    fix: str
    step: int
    updates: int
    loss_scale: float | None
    bad_rows: np.ndarray


class NumbersError(Exception):
    """Numbers gone bad, with their `trouble` and the `history` before: training cannot go on from here."""

    def __init__(self, trouble: Trouble, history: Sequence[Mapping] = ()):
        super().__init__(f"{trouble.what} in step {trouble.step}")
        self.trouble, self.history = trouble, history


def make_notes(global_batch_size: int) -> tf.Variable:
    """float64 [7 + global_batch_size]: steps, updates and updates left out in a row; then, zeros while all is well,
    the step, loss, updates and loss scale of the first trouble, and 1 for each of its rows that is not finite."""
    return tf.Variable(np.zeros(_RECORD + _RECORD_WIDTH + global_batch_size), dtype=tf.float64, name="health")


def loss_scale_of(optimizer: keras.optimizers.Optimizer) -> tf.Tensor | None:
    """float64 [], as it is now; None where the loss is not scaled."""
    if isinstance(optimizer, keras.optimizers.LossScaleOptimizer):
        return tf.cast(optimizer.dynamic_scale.value, tf.float64)
    return None


def note_step(
    notes: tf.Variable, loss, bad_rows, optimizer: keras.optimizers.Optimizer, loss_scale, is_update: bool = True
) -> None:
    """Notes a step whose update, where `is_update` says that it makes one, is done or left out; graph code, called once
    for all replicas.

    `loss` is float64 [], the sum over the global batch, `bad_rows` float64 [global batch size], 1 where a row's own
    loss is not finite, else 0, and `loss_scale` that of `loss_scale_of` before the update.
    """
    before = notes.read_value()
    steps = before[_STEPS] + 1
    zero = tf.zeros([], tf.float64)
    # Without a loss scale no update is left out.
    updates = before[_UPDATES] + float(is_update)
    if loss_scale is not None:
        updates = tf.cast(optimizer.iterations.value, tf.float64)
    skipped = tf.where(updates > before[_UPDATES], zero, before[_SKIPPED] + float(is_update))
    is_bad = ~tf.math.is_finite(loss) | (skipped >= MAX_SKIPPED_UPDATES)
    is_first = is_bad & (before[_RECORD] == 0)
    scale = zero if loss_scale is None else loss_scale
    record = tf.concat([tf.stack([steps, loss, before[_UPDATES], scale]), bad_rows], axis=0)
    # A choice, not a branch: an accelerator would have to hand the condition back before it could go on.
    kept = tf.where(is_first, record, before[_RECORD:])
    notes.assign(tf.concat([tf.stack([steps, updates, skipped]), kept], axis=0))


def find_trouble(notes: tf.Variable) -> Trouble | None:
    """The first trouble, or None; waits for the steps under way."""
    record = np.asarray(notes)[_RECORD:]
    step, loss, updates, loss_scale = record[:_RECORD_WIDTH].tolist()
    if not step:
        return None
    what, fix = f"the training loss became {loss}", _LOWER
    if np.isfinite(loss):
        what = f"no loss scale was found: {MAX_SKIPPED_UPDATES} updates in a row had gradients that overflow"
        fix = "train in --precision=mixed_bfloat16 or float32, or lower --learning_rate"
    bad_rows = np.flatnonzero(record[_RECORD_WIDTH:])
    return Trouble(what, fix, int(step), int(updates), loss_scale or None, bad_rows)


def find_bad_variable(variables: list, notes: tf.Variable, optimizer) -> Trouble | None:
    """A NaN or an Inf that the last update left in `variables`, which no loss has shown yet; or None."""
    for variable in variables:
        values = np.asarray(variable)
        if values.dtype.kind == "f" and not np.isfinite(values).all():
            steps, updates = np.asarray(notes)[:_SKIPPED].astype(int).tolist()
            loss_scale = loss_scale_of(optimizer)
            what = f"the update left a NaN or an Inf in {getattr(variable, 'path', variable.name)}"
            known_scale = None if loss_scale is None else float(loss_scale)
            return Trouble(what, _LOWER, steps, updates - 1, known_scale, np.zeros(0, np.int64))
    return None
