"""What a batch holds, declared once, and the check that a pipeline makes it."""

import dataclasses
import functools

import numpy as np
import tensorflow as tf

from pipeline.augment.operation import Examples, Feature
from pipeline.augment.options import AugmentOptions
from pipeline.decoding.pixel_format import PixelFormat
from pipeline.order import Order, shard_size

_FEATURES = {
    "example_id": Feature(np.int64, stays=True),
    "label": Feature(np.int32, stays=True),
    "mask": Feature(np.bool_, stays=True),  # False on padding: it weighs nothing in loss and metrics
    "epoch": Feature(np.int64, per_batch=True, stays=True),  # from 0
    # The real examples of the global batch: what its loss is divided by.
    "global_examples": Feature(np.float32, per_batch=True, stays=True),
}


@dataclasses.dataclass(frozen=True)
class Shards:
    """Which rows of every global batch this input pipeline makes: shards first to first + count - 1 of `total`, one a
    replica, whose batches come in turn."""

    first: int = 0
    count: int = 1
    total: int = 1


@dataclasses.dataclass(frozen=True, eq=False)
class Plan:
    """Which examples each batch holds, and what happens to each: a function of the step alone.

    `labels` are int32 [all examples], by example id; `pixel_format` is that of the finished pictures, and of the
    stored ones where no `stored_format` says that these are larger. Raises UserError where the shards do not divide the
    global batch.
    """

    order: Order
    labels: np.ndarray
    pixel_format: PixelFormat
    augmentation: AugmentOptions = AugmentOptions()
    seed: int = 0
    shards: Shards = Shards()
    stored_format: PixelFormat | None = None

    def __post_init__(self):
        _ = self.batch_size

    @functools.cached_property
    def batch_size(self) -> int:
        """The per-replica batch size."""
        return shard_size(self.order.global_batch_size, self.shards.total)

    @functools.cached_property
    def features(self) -> dict[str, Feature]:
        """Everything that is planned, by name; the pixels come later."""
        return _FEATURES | self.augmentation.features

    @property
    def reads(self) -> dict[str, str]:
        """Planned features of example ids -> the features that hold the pixels of these."""
        return {"example_id": "image"} | self.augmentation.reads

    def arrays(self, element: int) -> dict[str, np.ndarray]:
        """The values of `features` for an element of the input pipeline: its shards' batches of each step in turn."""
        step, shard = divmod(element, self.shards.count)
        rows = self.order.rows(step, self.shards.first + shard, self.shards.total)
        ids = rows.example_ids
        values = {"example_id": ids, "label": self.labels[ids], "mask": rows.mask, "epoch": rows.epoch,
                  "global_examples": rows.global_examples}  # fmt: skip
        arrays = {name: np.asarray(values[name], feature.dtype) for name, feature in _FEATURES.items()}
        return arrays | self.augmentation.plan(self.seed, rows.epoch, ids, self._examples)

    @property
    def planned_spec(self) -> dict[str, tf.TensorSpec]:
        """The element spec of `arrays`."""
        return {name: self._spec(feature) for name, feature in self.features.items()}

    def element_spec(self, on_device: bool) -> dict[str, tf.TensorSpec]:
        """The element spec of one replica's batches: with everything planned and pixels as they are stored where the
        device augments; else without what only augmentation needs, and `image` float32 in [0, 1]."""
        if on_device:
            pixels = self.stored_format or self.pixel_format
            stored = tf.TensorSpec((self.batch_size, *pixels.shape), tf.as_dtype(pixels.dtype))
            return self.planned_spec | dict.fromkeys(self.reads.values(), stored)
        kept = {name: self._spec(feature) for name, feature in self.features.items() if feature.stays}
        return kept | {"image": tf.TensorSpec((self.batch_size, *self.pixel_format.shape), tf.float32)}

    @functools.cached_property
    def _examples(self) -> Examples:
        stored_sides = self.stored_format.shape[:2] if self.stored_format else None
        sides = self.pixel_format.height, self.pixel_format.width
        return Examples(self.order.example_ids, self.labels, *sides, stored_sides)

    def _spec(self, feature: Feature) -> tf.TensorSpec:
        shape = feature.shape if feature.per_batch else (self.batch_size, *feature.shape)
        return tf.TensorSpec(shape, tf.as_dtype(feature.dtype))


def check_element_spec(dataset: tf.data.Dataset, expected: dict[str, tf.TensorSpec]) -> tf.data.Dataset:
    """Returns `dataset`; raises TypeError that names the first feature whose shape or dtype is not the expected."""
    actual = dataset.element_spec
    if set(actual) != set(expected):
        raise TypeError(f"a batch has the features {sorted(actual)}: it must have {sorted(expected)}")
    for name, spec in expected.items():
        got = actual[name]
        if got.dtype != spec.dtype or got.shape.as_list() != spec.shape.as_list():
            raise TypeError(
                f"feature {name!r} is {got.dtype.name} {got.shape}: it must be {spec.dtype.name} {spec.shape}"
            )
    return dataset
