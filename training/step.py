"""The training step: state in variables, one traced function, exact weighted sums."""

import dataclasses
import functools
from collections.abc import Callable, Mapping, Sequence

import keras
import numpy as np
import tensorflow as tf

from models.heads import mean_loss, per_example_loss, predicted_labels
from models.layers import normalizes_batches, real_rows
from training.average import begin_average, follow, kept_part
from training.device import Hardware
from training.gradients import make_accumulators, make_update
from training.health import loss_scale_of, make_notes, note_step
from training.optimizer import build_for
from training.recipe import PLAIN, Recipe


@dataclasses.dataclass(frozen=True)
class TrainState:
    """All that training changes.

    Attributes:
      model: outputs float32 logits.
      optimizer: built for the model's trainable variables.
      sums: float64 [3]: loss, correct predictions and examples of the epoch so far, padding left out.
      health: the notes of `health.make_notes`.
      rate_scale: float32 [], what --schedule=plateau multiplies the learning rate by; the history's, so in no part.
      gradients: of `gradients.make_accumulators`; empty where every batch is an update.
      average: a model of `average.follow`, or None.
      head: what a step calls, and whose variables it updates, where that is not the model but its head, on features.
      rate_factors: what of the learning rate each variable that learns takes; empty where all take all of it.
    """

    model: keras.Model
    optimizer: keras.optimizers.Optimizer
    sums: tf.Variable
    health: tf.Variable
    rate_scale: tf.Variable | None = None
    gradients: Sequence[tf.Variable] = ()
    average: keras.Model | None = None
    head: keras.Model | None = None
    rate_factors: Sequence[float] = ()

    @property
    def learner(self) -> keras.Model:
        """What a step calls, and whose trainable variables it updates."""
        return self.model if self.head is None else self.head

    @property
    def evaluated(self) -> keras.Model:
        """The model that is validated, scored and exported."""
        return self.model if self.average is None else self.average

    def begin_average(self) -> None:
        """Has the average, where there is one, begin with what the model is now."""
        if self.average is not None:
            begin_average(self.average, self.model)

    @property
    def parts(self) -> dict[str, list]:
        """Everything a checkpoint must hold, each part in a fixed order; "model" includes dropout's seed state."""
        variables = {"model": self.model.variables, "optimizer": self.optimizer.variables}
        variables |= {"gradients": list(self.gradients)} if self.gradients else {}
        variables |= {"average": self.average.variables} if self.average is not None else {}
        return variables | {"sums": [self.sums], "health": [self.health]}

    @property
    def variables(self) -> list:
        """Those of all parts, but gradients under way, which may be Inf in mixed_float16 before their update is left
        out."""
        return [variable for name, part in self.parts.items() if name != "gradients" for variable in part]


def make_state(
    hardware: Hardware, model: keras.Model, build_optimizer: Callable, global_batch_size: int,
    accumulate_steps: int = 1, average: keras.Model | None = None, head: keras.Model | None = None,
    rate_factors: Sequence[float] = (),
) -> TrainState:  # fmt: skip
    """The state of a model that was built under the strategy's scope; makes optimizer, sums and notes there too.

    `build_optimizer` takes the state's `rate_scale`; `average`, another model of the same kind, begins as `model`;
    `head`, where it alone learns, shares variables with `model`.
    """
    learning = (model if head is None else head).trainable_variables
    with hardware.scope():
        rate_scale = tf.Variable(1.0, trainable=False, name="rate_scale")
        optimizer = build_optimizer(rate_scale)
        build_for(optimizer, learning)
        gradients = make_accumulators(learning) if accumulate_steps > 1 else ()
        sums = tf.Variable(np.zeros(3), dtype=tf.float64, name="epoch_sums")
        health = make_notes(global_batch_size)
    state = TrainState(model, optimizer, sums, health, rate_scale, gradients, average, head, rate_factors)
    state.begin_average()
    return state


def make_train_step(
    state: TrainState, hardware: Hardware, num_classes: int, finish: Callable | None, jit_compile: bool = False,
    recipe: Recipe = PLAIN,
) -> Callable[..., None]:  # fmt: skip
    """(batch, is_full=False, is_update=True) -> None; updates `state`. `finish` augments on the device and is None
    where the host did.

    `is_update` False leaves the weights as they are and keeps the gradients for a later batch; the state must have room
    for them.

    `is_full` says that no row of the global batch is padding: a model with BatchNorm then needs no mask for its
    statistics. It is the host's to know, since an accelerator would have to hand the mask back before it could go on.
    Such a model is traced twice, where there is padding.

    `jit_compile` has XLA compile the whole step: on a CPU that makes these steps 3 to 4 times slower, and what it does
    on a GPU is for benchmarks/gpu_check.py to measure.
    """
    learner = state.learner
    needs_mask, learning = normalizes_batches(learner), learner.trainable_variables
    averaged = _averaged(state)
    update = make_update(state.optimizer, learning, state.gradients, hardware, recipe.clip_norm, state.rate_factors)

    def replica_step(batch, is_full, is_update):
        batch = finish(batch) if finish else batch
        weight = tf.cast(batch["mask"], tf.float32)
        real = None if is_full else tf.cast(batch["mask"], tf.bool)
        with tf.GradientTape() as tape, real_rows(real):
            logits = learner(batch["image"], training=True)
            losses = example_losses(batch | {"mask": weight}, logits, num_classes, recipe)
            # Divided by the global batch's real examples, the sum over replicas is the exact mean over the batch.
            loss = tf.reduce_sum(losses) / batch["global_examples"]
            if learner.losses:
                loss += tf.add_n(learner.losses) / hardware.replicas
            scaled_loss = state.optimizer.scale_loss(loss)
        update(tape.gradient(scaled_loss, learning), batch["global_examples"], is_update)
        correct = tf.cast(predicted_labels(logits) == batch["label"], tf.float32) * weight
        sums = tf.stack([tf.reduce_sum(part) for part in (losses, correct, weight)])
        # One vector, so that replicas exchange one.
        return tf.cast(tf.concat([sums, _bad_rows(losses)], axis=0), tf.float64)

    @tf.function(jit_compile=jit_compile, autograph=False)
    def traced_step(batch, is_full, is_update):
        loss_scale = loss_scale_of(state.optimizer)
        if hardware.strategy:
            of_replicas = hardware.strategy.run(replica_step, args=(batch, is_full, is_update))
            parts = hardware.strategy.reduce("SUM", of_replicas, axis=None)
        else:
            parts = replica_step(batch, is_full, is_update)
        if state.average is not None and is_update:
            kept = kept_part(recipe.ema_momentum, state.optimizer.iterations.value)
            follow(*averaged, kept, hardware.strategy)
        state.sums.assign_add(parts[:3])
        note_step(state.health, parts[0], parts[3:], state.optimizer, loss_scale, is_update)

    @functools.wraps(traced_step)
    def train_step(batch, is_full=False, is_update=True):
        traced_step(batch, is_full or not needs_mask, is_update)

    return train_step


def _averaged(state: TrainState) -> tuple[list, list]:
    """(variables of the average, those of the model that they follow): of a frozen backbone none."""
    if state.average is None:
        return [], []
    learns = {id(variable) for variable in state.learner.variables}
    pairs = zip(state.average.variables, state.model.variables, strict=True)
    means, variables = zip(*[pair for pair in pairs if id(pair[1]) in learns], strict=True)
    return list(means), list(variables)


def example_losses(
    batch: Mapping[str, tf.Tensor], logits: tf.Tensor, num_classes: int, recipe: Recipe = PLAIN
) -> tf.Tensor:
    """float32 [batch]: the cross-entropy that each example adds to the sum, 0 for padding.

    `batch` has label, int32 [batch], and mask, [batch], False or 0 on padding. Where it has second_label, int32
    [batch], and second_weight, float32 [batch] in [0, 1], an example has that share of the second label's loss, and the
    rest of the first one's; each label is smoothed, and has the weight of its class, as the recipe says. `logits` are
    [batch, num_classes], or [batch, 1] where num_classes is 2.
    """
    losses = _label_losses(batch["label"], logits, num_classes, recipe)
    if "second_label" in batch:
        share = batch["second_weight"]
        second = _label_losses(batch["second_label"], logits, num_classes, recipe)
        losses = (1.0 - share) * losses + share * second
    return losses * tf.cast(batch["mask"], tf.float32)


def _label_losses(labels: tf.Tensor, logits: tf.Tensor, num_classes: int, recipe: Recipe) -> tf.Tensor:
    losses = per_example_loss(labels, logits, num_classes)
    if recipe.label_smoothing:
        losses += recipe.label_smoothing * (mean_loss(logits, num_classes) - losses)
    return losses * tf.gather(recipe.class_weights, labels) if recipe.class_weights else losses


def _bad_rows(losses: tf.Tensor) -> tf.Tensor:
    """float32 [global batch size]: 1 where a row of this replica has a loss that is not finite, 0 elsewhere."""
    replica = tf.distribute.get_replica_context()
    rows = losses.shape[0]
    before = rows * replica.replica_id_in_sync_group
    bad = tf.cast(~tf.math.is_finite(losses), tf.float32)
    return tf.pad(bad, [[before, rows * replica.num_replicas_in_sync - rows - before]])
