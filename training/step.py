"""The training step: state in variables, one traced function, exact weighted sums."""

import dataclasses
import functools
from collections.abc import Callable, Mapping, Sequence

import keras
import numpy as np
import tensorflow as tf

from models.heads import per_example_loss, predicted_labels
from models.layers import normalizes_batches, real_rows
from training.device import Hardware
from training.health import loss_scale_of, make_notes, note_step
from training.rates import apply_by_rates


@dataclasses.dataclass(frozen=True)
class TrainState:
    """All that training changes.

    Attributes:
      model: outputs float32 logits.
      optimizer: built for the model's trainable variables.
      sums: float64 [3]: loss, correct predictions and examples of the epoch so far, padding left out.
      health: the notes of `health.make_notes`.
      learner: what a step calls, and whose trainable variables it updates: the model, or its head, on features.
      rate_factors: what of the learning rate each of these variables takes; empty where all take all of it.
    """

    model: keras.Model
    optimizer: keras.optimizers.Optimizer
    sums: tf.Variable
    health: tf.Variable
    learner: keras.Model
    rate_factors: Sequence[float] = ()

    @property
    def parts(self) -> dict[str, list]:
        """Everything a checkpoint must hold, each part in a fixed order; "model" includes dropout's seed state."""
        variables = {"model": self.model.variables, "optimizer": self.optimizer.variables}
        return variables | {"sums": [self.sums], "health": [self.health]}

    @property
    def variables(self) -> list:
        """Those of all parts."""
        return [variable for part in self.parts.values() for variable in part]


def make_state(
    hardware: Hardware, model: keras.Model, build_optimizer: Callable, global_batch_size: int,
    learner: keras.Model | None = None, rate_factors: Sequence[float] = (),
) -> TrainState:  # fmt: skip
    """The state of a model that was built under the strategy's scope; makes optimizer, sums and notes there too.

    `learner`, where it is not the model itself, shares variables with it; see `TrainState`.
    """
    learner = learner or model
    with hardware.scope():
        optimizer = build_optimizer()
        optimizer.build(learner.trainable_variables)
        sums = tf.Variable(np.zeros(3), dtype=tf.float64, name="epoch_sums")
        health = make_notes(global_batch_size)
    return TrainState(model, optimizer, sums, health, learner, rate_factors)


def make_train_step(
    state: TrainState, hardware: Hardware, num_classes: int, finish: Callable | None, jit_compile: bool = False
) -> Callable[..., None]:
    """(batch, is_full=False) -> None; updates `state`. `finish` augments on the device and is None where the host did.

    `is_full` says that no row of the global batch is padding: a model with BatchNorm then needs no mask for its
    statistics. It is the host's to know, since an accelerator would have to hand the mask back before it could go on.
    Such a model is traced twice, where there is padding.

    `jit_compile` has XLA compile the whole step: on a CPU that makes these steps 3 to 4 times slower, and what it does
    on a GPU is for benchmarks/gpu_check.py to measure.
    """
    learner = state.learner
    needs_mask, factors = normalizes_batches(learner), state.rate_factors or [1.0] * len(learner.trainable_variables)

    def replica_step(batch, is_full):
        batch = finish(batch) if finish else batch
        weight = tf.cast(batch["mask"], tf.float32)
        real = None if is_full else tf.cast(batch["mask"], tf.bool)
        with tf.GradientTape() as tape, real_rows(real):
            logits = learner(batch["image"], training=True)
            losses = example_losses(batch | {"mask": weight}, logits, num_classes)
            # Divided by the global batch's real examples, the sum over replicas is the exact mean over the batch.
            loss = tf.reduce_sum(losses) / batch["global_examples"]
            if learner.losses:
                loss += tf.add_n(learner.losses) / hardware.replicas
            scaled_loss = state.optimizer.scale_loss(loss)
        gradients = tape.gradient(scaled_loss, learner.trainable_variables)
        if hardware.policy == "mixed_float16" and hardware.strategy:
            gradients = _agree_on_overflow(gradients)
        apply_by_rates(state.optimizer, gradients, learner.trainable_variables, factors)
        correct = tf.cast(predicted_labels(logits) == batch["label"], tf.float32) * weight
        sums = tf.stack([tf.reduce_sum(part) for part in (losses, correct, weight)])
        # One vector, so that replicas exchange one.
        return tf.cast(tf.concat([sums, _bad_rows(losses)], axis=0), tf.float64)

    @tf.function(jit_compile=jit_compile, autograph=False)
    def traced_step(batch, is_full):
        loss_scale = loss_scale_of(state.optimizer)
        if hardware.strategy:
            of_replicas = hardware.strategy.run(replica_step, args=(batch, is_full))
            parts = hardware.strategy.reduce("SUM", of_replicas, axis=None)
        else:
            parts = replica_step(batch, is_full)
        state.sums.assign_add(parts[:3])
        note_step(state.health, parts[0], parts[3:], state.optimizer, loss_scale)

    @functools.wraps(traced_step)
    def train_step(batch, is_full=False):
        traced_step(batch, is_full or not needs_mask)

    return train_step


def example_losses(batch: Mapping[str, tf.Tensor], logits: tf.Tensor, num_classes: int) -> tf.Tensor:
    """float32 [batch]: the cross-entropy that each example adds to the sum, 0 for padding.

    `batch` has label, int32 [batch], and mask, [batch], False or 0 on padding. Where it has second_label, int32
    [batch], and second_weight, float32 [batch] in [0, 1], an example has that share of the second label's loss, and the
    rest of the first one's. `logits` are [batch, num_classes], or [batch, 1] where num_classes is 2.
    """
    losses = per_example_loss(batch["label"], logits, num_classes)
    if "second_label" in batch:
        share = batch["second_weight"]
        losses = (1.0 - share) * losses + share * per_example_loss(batch["second_label"], logits, num_classes)
    return losses * tf.cast(batch["mask"], tf.float32)


def _bad_rows(losses: tf.Tensor) -> tf.Tensor:
    """float32 [global batch size]: 1 where a row of this replica has a loss that is not finite, 0 elsewhere."""
    replica = tf.distribute.get_replica_context()
    rows = losses.shape[0]
    before = rows * replica.replica_id_in_sync_group
    bad = tf.cast(~tf.math.is_finite(losses), tf.float32)
    return tf.pad(bad, [[before, rows * replica.num_replicas_in_sync - rows - before]])


def _agree_on_overflow(gradients: list[tf.Tensor]) -> list[tf.Tensor]:
    """Makes every replica's gradients non-finite where one replica's are.

    Keras's LossScaleOptimizer asks the first replica alone whether to skip the step
    (keras/src/optimizers/loss_scale_optimizer.py, `_tf_apply`), so an Inf on the second would be applied.
    """
    overflow = tf.cast(tf.reduce_any([tf.reduce_any(~tf.math.is_finite(g)) for g in gradients]), tf.float32)
    anywhere = tf.distribute.get_replica_context().all_reduce("SUM", overflow) > 0
    return [tf.where(anywhere, tf.constant(np.nan, gradient.dtype), gradient) for gradient in gradients]
