"""Gray from color, 16 bits from 8, and what a color shows through: what decoders leave to be done with channels."""

import tensorflow as tf

from pipeline.decoding.pixel_format import LUMA, PixelFormat


def luma(image: tf.Tensor) -> tf.Tensor:
    """[height, width, 3] -> [height, width, 1], same dtype, rounded."""
    return tf.cast(tf.round(tf.tensordot(tf.cast(image, tf.float32), [[weight] for weight in LUMA], 1)), image.dtype)


def to_depth(image: tf.Tensor, pixel_format: PixelFormat) -> tf.Tensor:
    """uint8 -> the format's dtype; 8 bits become 16 by v * 257, so that white stays white."""
    return image if pixel_format.bit_depth == 8 else tf.cast(image, tf.uint16) * 257


def laid_on(image: tf.Tensor, background: tuple[int, int, int]) -> tf.Tensor:
    """[height, width, 4], alpha last and not multiplied in -> [height, width, 3], same dtype: laid on `background`."""
    white = image.dtype.max
    below = tf.constant([white // 255 * value for value in background], tf.float32)
    color, alpha = tf.cast(image[..., :3], tf.float32), tf.cast(image[..., 3:], tf.float32) / white
    return tf.cast(tf.round(below + (color - below) * alpha), image.dtype)


def background_of(pixel_format: PixelFormat) -> tf.Tensor:
    """[channels] of the format's dtype: the background as a picture of it is stored."""
    color = to_depth(tf.constant([[pixel_format.background]], tf.uint8), pixel_format)
    return (luma(color) if pixel_format.channels == 1 else color)[0, 0]
