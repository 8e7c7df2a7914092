"""THE stage order of the input graph, for training and for evaluation."""

import dataclasses

import numpy as np
import tensorflow as tf

from pipeline.augment.options import AugmentOptions
from pipeline.augment.warp import augment, make_transforms, to_float
from pipeline.contract import batch_spec, check_element_spec
from pipeline.order import Order, shard_size
from pipeline.pixels import Pixels
from pipeline.stages import StageClock

# How many finished batches wait for the device: more only takes memory, fewer lets one slow batch through.
PREFETCH_BATCHES = 4
AUGMENT_LANES = 2  # batches warped at a time
_PLAN_FEATURES = {
    "example_id": tf.int64,
    "label": tf.int32,
    "mask": tf.bool,
    "transform": tf.float32,
    "epoch": tf.int64,
    "global_examples": tf.float32,
}


@dataclasses.dataclass(frozen=True)
class Shards:
    """Which rows of every global batch this input pipeline makes: shards first to first + count - 1 of `total`.

    One a replica; an input pipeline yields its replicas' batches in turn.
    """

    first: int = 0
    count: int = 1
    total: int = 1


def make_train_dataset(
    order: Order,
    pixels: Pixels,
    labels: np.ndarray,
    augmentation: AugmentOptions,
    *,
    seed: int,
    full_scale: float,
    first_step: int,
    last_step: int,
    shards: Shards = Shards(),
    on_device: bool = False,
    clock: StageClock | None = None,
) -> tf.data.Dataset:
    """Augmented batches of steps `first_step` to `last_step` - 1, each as `contract.batch_spec` says.

    Args:
      order: the training split's order.
      pixels: where decoded pixels come from.
      labels: int32 [all examples], by example id.
      augmentation: what to draw for every picture in every epoch.
      seed: the run's seed.
      full_scale: the pixel value that becomes 1.0.
      first_step: where to begin, counted over all epochs; a resumed run begins anywhere.
      last_step: one past the last step.
      shards: this pipeline's part of every global batch.
      on_device: leave the pixels as stored, with their transforms, for `finish_on_device` inside the step.
      clock: told how long each stage works; None times nothing.
    """
    batch_size = shard_size(order.global_batch_size, shards.total)

    def plan(element):
        step, shard = np.divmod(int(element), shards.count)
        rows = order.rows(int(step), shards.first + int(shard), shards.total)
        size = pixels.pixel_format.image_size
        transforms = make_transforms(augmentation, size, seed, rows.epoch, rows.example_ids)
        ids = rows.example_ids
        return (ids, labels[ids], rows.mask, transforms, np.int64(rows.epoch), np.float32(rows.global_examples))

    # 1. Which step: one number. Starting elsewhere costs nothing, so no iterator state is ever saved.
    steps = tf.data.Dataset.range(first_step * shards.count, last_step * shards.count)
    # 2. Which examples, and what happens to each: a few kilobytes a batch, so one thread of numpy is plenty.
    batches = steps.map(lambda element: _plan_batch(plan, element, batch_size))
    # 3. Decoded pixels, by example id. Everything random is keyed by id and epoch, so what lies below may be cached.
    batches = pixels.batches(batches, batch_size, clock)
    # 4. One warp over the whole uint8 batch; on an accelerator inside the step, so that uint8 is what crosses the bus.
    if not on_device:
        finish = make_finish(augmentation, full_scale)
        if clock:
            finish = clock.timed("augment", AUGMENT_LANES, finish)
        batches = batches.map(finish, num_parallel_calls=AUGMENT_LANES, deterministic=True)
    # 5. Finished batches wait for the device, never the device for a batch.
    return _finish(batches, batch_spec(batch_size, pixels.pixel_format, on_device))


def make_eval_dataset(
    example_ids: np.ndarray, pixels: Pixels, labels: np.ndarray, *, batch_size: int, full_scale: float
) -> tf.data.Dataset:
    """Every example of `example_ids` once, in that order, not augmented; the last batch is padded (mask False)."""
    order = Order(example_ids, batch_size, seed=0, shuffle=False)
    return make_train_dataset(
        order, pixels, labels, AugmentOptions(),
        seed=0, full_scale=full_scale, first_step=0, last_step=order.steps_per_epoch,
    )  # fmt: skip


def make_finish(augmentation: AugmentOptions, full_scale: float):
    """The batch -> batch function that turns stored pixels and transforms into float32 images in [0, 1].

    The same function serves the input graph and the step on the device.
    """

    def finish(batch: dict[str, tf.Tensor]) -> dict[str, tf.Tensor]:
        batch = dict(batch)
        transform = batch.pop("transform")
        image = batch["image"]
        if augmentation.active:
            batch["image"] = augment(image, transform, full_scale, augmentation.recolors)
        else:
            batch["image"] = to_float(image, full_scale)
        return batch

    return finish


def _plan_batch(plan, element, batch_size):
    values = tf.numpy_function(plan, [element], list(_PLAN_FEATURES.values()), stateful=False)
    batch = dict(zip(_PLAN_FEATURES, values, strict=True))
    for name, value in batch.items():
        scalar = name in ("epoch", "global_examples")
        width = [8] if name == "transform" else []
        value.set_shape([] if scalar else [batch_size, *width])
    return batch


def _finish(batches, spec):
    options = tf.data.Options()
    # The order already gives every replica its own rows; another split would drop some of them.
    options.experimental_distribute.auto_shard_policy = tf.data.experimental.AutoShardPolicy.OFF
    options.deterministic = True
    return check_element_spec(batches.prefetch(PREFETCH_BATCHES), spec).with_options(options)
