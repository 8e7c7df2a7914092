"""Random erasing: noise in place of a box of a picture."""

import dataclasses
from typing import ClassVar

import numpy as np

from base.options import option
from pipeline.augment.box import boxes, inside
from pipeline.augment.draws import draw
from pipeline.augment.operation import Examples, Feature, Operation
from pipeline.augment.scale import to_float
from pipeline.decoding.pixel_format import PixelFormat

_KNOBS = ("erase", "erase_area", "erase_aspect", "erase_row", "erase_column", "erase_noise")
_AREAS = (0.02, 0.4)  # of the picture
_LARGEST_ASPECT = 1.0 / 0.3  # height over width, in fractions of the picture's; and width over height


@dataclasses.dataclass(frozen=True)
class EraseOptions(Operation):
    """How often a box of a picture is erased.

    Areas, aspects and what is filled in, a number drawn evenly for each value of each pixel, are those that were best
    in Zhong et al., "Random erasing data augmentation", 2017 (RE-R). Two things differ: aspects are drawn evenly in
    their logarithm, so that lying boxes are as likely as standing ones, and a box that is longer than the picture is
    shortened to it, where the paper draws again.

    Its feature `erased` is float32 [batch, 5]: a box as `boxes` makes it, without a pixel where nothing is erased, and
    a number in [0, 1) that is the key of the noise.
    """

    erase_probability: float = option(
        0.0, "fraction of pictures of which a box, 0.02 to 0.4 of the area, becomes noise", within=(0.0, 1.0)
    )

    features: ClassVar = {"erased": Feature(np.float32, (5,))}

    def plan(self, seed: int, epoch: int, example_ids: np.ndarray, examples: Examples) -> dict[str, np.ndarray]:
        """See `Operation`."""
        chosen, area, aspect, row, column, noise = draw(seed, epoch, example_ids, _KNOBS).T
        areas = np.where(chosen < self.erase_probability, _AREAS[0] + (_AREAS[1] - _AREAS[0]) * area, 0.0)
        aspects = _LARGEST_ASPECT ** (2.0 * aspect - 1.0)
        heights, widths = (np.minimum(np.sqrt(areas * ratio), 1.0) for ratio in (aspects, 1.0 / aspects))
        inner = boxes(heights / 2 + (1.0 - heights) * row, widths / 2 + (1.0 - widths) * column, heights, widths)
        return {"erased": np.concatenate([inner, noise[:, None]], axis=1)}

    def apply(self, batch: dict, pixel_format: PixelFormat) -> dict:
        """See `Operation`."""
        import tensorflow as tf

        image = to_float(batch["image"], pixel_format.full_scale)
        _, height, width, channels = image.shape
        in_box, _ = inside(batch["erased"][:, :4], height, width)
        return batch | {"image": tf.where(in_box, _noise(batch["erased"][:, 4], height, width, channels), image)}


def _noise(key, height: int, width: int, channels: int):
    """float32 [batch, height, width, channels] in [0, 1), by the bits of `key`, float32 [batch], and by place.

    The mixing of bits is the finalizer of MurmurHash3 (Appleby, 2011), twice: whole numbers, so every device agrees.
    """
    import tensorflow as tf

    place = tf.reshape(tf.range(height * width * channels, dtype=tf.int32), [1, height, width, channels])
    keys = _mixed(tf.bitcast(key, tf.uint32))[:, None, None, None]
    bits = _mixed(tf.bitwise.bitwise_xor(_mixed(tf.bitcast(place, tf.uint32)), keys))
    return tf.cast(tf.bitcast(tf.bitwise.right_shift(bits, 8), tf.int32), tf.float32) * 2.0**-24


def _mixed(bits):
    """uint32 -> uint32, a bijection whose output looks random."""
    import tensorflow as tf

    for shift, factor in ((16, 0x85EBCA6B), (13, 0xC2B2AE35)):
        bits = tf.bitwise.bitwise_xor(bits, tf.bitwise.right_shift(bits, shift)) * tf.constant(factor, tf.uint32)
    return tf.bitwise.bitwise_xor(bits, tf.bitwise.right_shift(bits, 16))
