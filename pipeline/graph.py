"""THE stage order of the input graph, for training and for evaluation."""

from collections.abc import Callable

import numpy as np
import tensorflow as tf

from pipeline.augment.options import AugmentOptions
from pipeline.augment.scale import to_float
from pipeline.decoding.pixel_format import PixelFormat
from pipeline.order import Order
from pipeline.pixels import Pixels
from pipeline.plan import Plan, check_element_spec
from pipeline.stages import StageClock

# How many finished batches wait for the device: more only takes memory, fewer lets one slow batch through.
PREFETCH_BATCHES = 4
AUGMENT_PARALLEL_CALLS = 2  # batches augmented at a time


def make_train_dataset(
    plan: Plan, pixels: Pixels, first_step: int, last_step: int, *, on_device=False, clock: StageClock | None = None
) -> tf.data.Dataset:
    """Augmented batches of steps `first_step` to `last_step` - 1, each as `plan.element_spec(on_device)` says.

    Steps are counted over all epochs. `on_device` leaves the pixels as stored, with their draws, for `make_finish`
    inside the step; `clock` is told how long each stage works.
    """
    # 1. Which step: one number. Starting elsewhere costs nothing, so no iterator state is ever saved.
    steps = tf.data.Dataset.range(first_step * plan.shards.count, last_step * plan.shards.count)
    # 2. Which examples, and what happens to each: a few kilobytes a batch, so one thread of numpy is plenty.
    batches = steps.map(lambda element: _planned(plan, element))
    # 3. Decoded pixels, by example id. Everything random is keyed by id and epoch, so what lies below may be cached.
    batches = pixels.batches(batches, plan.batch_size, clock, plan.reads)
    # 4. One pass over the whole uint8 batch; on an accelerator inside the step, so that uint8 is what crosses the bus.
    if not on_device:
        finish = make_finish(plan.augmentation, plan.pixel_format)
        if clock:
            finish = clock.timed("augment", AUGMENT_PARALLEL_CALLS, finish)
        batches = batches.map(finish, num_parallel_calls=AUGMENT_PARALLEL_CALLS, deterministic=True)
    # 5. Finished batches wait for the device, never the device for a batch.
    return _ready(batches, plan.element_spec(on_device))


def make_eval_dataset(example_ids: np.ndarray, pixels: Pixels, labels: np.ndarray, batch_size: int) -> tf.data.Dataset:
    """Every example of `example_ids` once, in that order, not augmented; the last batch is padded (mask False)."""
    order = Order(example_ids, batch_size, seed=0, shuffle=False)
    return make_train_dataset(Plan(order, labels, pixels.pixel_format), pixels, 0, order.steps_per_epoch)


def make_finish(augmentation: AugmentOptions, pixel_format: PixelFormat) -> Callable[[dict], dict]:
    """The batch -> batch function that turns stored pixels and draws into float32 images in [0, 1] of the size of
    `pixel_format`, in the input graph or in the step on the device."""
    full_scale = pixel_format.full_scale
    stay = {name for name, feature in augmentation.features.items() if feature.stays}
    used = {"image", *augmentation.features, *augmentation.reads.values()}

    def finish(batch: dict[str, tf.Tensor]) -> dict[str, tf.Tensor]:
        done = augmentation.apply({name: batch[name] for name in used}, pixel_format)
        rest = {name: value for name, value in batch.items() if name not in used}
        return rest | {name: done[name] for name in sorted(stay)} | {"image": to_float(done["image"], full_scale)}

    return finish


def _planned(plan: Plan, element: tf.Tensor) -> dict[str, tf.Tensor]:
    """`plan.arrays` inside the graph."""
    spec = plan.planned_spec
    values = tf.numpy_function(
        lambda element: list(plan.arrays(int(element)).values()),
        [element], [part.dtype for part in spec.values()], stateful=False,
    )  # fmt: skip
    return {name: tf.ensure_shape(value, spec[name].shape) for name, value in zip(spec, values, strict=True)}


def _ready(batches: tf.data.Dataset, spec: dict[str, tf.TensorSpec]) -> tf.data.Dataset:
    options = tf.data.Options()
    # The order already gives every replica its own rows; another split would drop some of them.
    options.experimental_distribute.auto_shard_policy = tf.data.experimental.AutoShardPolicy.OFF
    options.deterministic = True
    return check_element_spec(batches.prefetch(PREFETCH_BATCHES), spec).with_options(options)
