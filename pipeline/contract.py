"""What a batch is, and the check that a pipeline makes one."""

import tensorflow as tf

from pipeline.augment.warp import TRANSFORM_WIDTH
from pipeline.decoding.pixel_format import PixelFormat


def batch_spec(batch_size: int, pixel_format: PixelFormat, on_device: bool) -> dict[str, tf.TensorSpec]:
    """The element spec of a batch (or of one replica's share of it).

    Features:
      image: [batch, height, width, channels] float32 in [0, 1]; or, when the device augments, the stored pixels.
      transform: [batch, TRANSFORM_WIDTH] float32; only when the device augments.
      label: int32 [batch].
      mask: bool [batch], False on padding: it weighs nothing in loss and metrics.
      example_id: int64 [batch].
      epoch: int64 [], from 0.
      global_examples: float32 [], the real examples of the global batch: what its loss is divided by.
    """
    image_dtype = tf.as_dtype(pixel_format.dtype) if on_device else tf.float32
    spec = {
        "image": tf.TensorSpec((batch_size, *pixel_format.shape), image_dtype),
        "label": tf.TensorSpec((batch_size,), tf.int32),
        "mask": tf.TensorSpec((batch_size,), tf.bool),
        "example_id": tf.TensorSpec((batch_size,), tf.int64),
        "epoch": tf.TensorSpec((), tf.int64),
        "global_examples": tf.TensorSpec((), tf.float32),
    }
    if on_device:
        spec["transform"] = tf.TensorSpec((batch_size, TRANSFORM_WIDTH), tf.float32)
    return spec


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
