"""A decoded picture -> the size that is wanted, by the way that the format's `resize` names, and upright.

squash gives both sides the size wanted, whatever that does to proportions. crop takes the middle of the picture, the
largest part of the proportions that are wanted; what is cut away is not resized. pad puts the whole picture in the
middle of what is wanted, as large as it fits, with the background around it.

A picture is resized as it is stored and turned upright afterwards, where that costs least. So the sides wanted of one
that a turn lays on its side change places before, and where it is cut or framed the odd pixel goes to the side where
it would be if it had been turned first.
"""

from collections.abc import Sequence

import tensorflow as tf

from pipeline.decoding import orientation
from pipeline.decoding.colors import background_of
from pipeline.decoding.pixel_format import PixelFormat

# A JPEG is decoded at 1/2, 1/4 or 1/8 of its size where nobody can see it: where that leaves three pixels for each
# one wanted, each way, and where the blocks that the decoder adds to an uneven side shift no pixel by above 1/16.
_JPEG_OVERSAMPLING = 3
_JPEG_SHIFT = 16

Sides = tf.Tensor | Sequence[int]  # height and width, in pixels


def fit(image: tf.Tensor, turn: tf.Tensor | None, pixel_format: PixelFormat) -> tf.Tensor:
    """[height, width, channels] as stored -> the format's shape, same dtype.

    `turn` is its EXIF orientation, int32 [], 1 to 8; None for one that is known to be upright.
    """
    wanted = stored_sides(turn, pixel_format)
    if pixel_format.resize == "crop":
        image = _middle(image, turn, _largest_inside(tf.shape(image)[:2], wanted))
    resized = _averaged(image, _resized_sides(tf.shape(image)[:2], wanted, pixel_format))
    upright = resized if turn is None else orientation.apply_orientation(resized, turn)
    if pixel_format.resize == "pad":
        upright = _framed(upright, pixel_format)
    return tf.ensure_shape(upright, pixel_format.shape)


def stored_sides(turn: tf.Tensor | None, pixel_format: PixelFormat) -> Sides:
    """The format's height and width, in the order in which a picture of this orientation has them before its turn."""
    upright = list(pixel_format.shape[:2])
    if turn is None or pixel_format.height == pixel_format.width:
        return upright
    return tf.where(orientation.is_transposed(turn), upright[::-1], upright)


def jpeg_halvings(sides: Sides, wanted: Sides, pixel_format: PixelFormat) -> tf.Tensor:
    """How often the decoder may halve a JPEG of these `sides`, as stored: 0, 1, 2 or 3, int32 []; `wanted` are its
    `stored_sides`."""
    sides = tf.cast(sides, tf.int64)
    ratios = tf.constant([[2], [4], [8]], tf.int64)
    scaled = (sides + ratios - 1) // ratios
    added = scaled * ratios - sides
    becomes = tf.cast(_resized_sides(sides, wanted, pixel_format), tf.int64)
    used_scaled, used = scaled, sides
    if pixel_format.resize == "crop":
        used_scaled, used = (tf.cast(_largest_inside(part, wanted), tf.int64) for part in (scaled, sides))
    unseen = (used_scaled >= _JPEG_OVERSAMPLING * becomes) & (added * becomes * _JPEG_SHIFT <= used)
    return tf.reduce_sum(tf.cast(tf.reduce_all(unseen, axis=1), tf.int32))


def _resized_sides(sides: Sides, wanted: Sides, pixel_format: PixelFormat) -> Sides:
    """Height and width that a picture of these `sides`, or its middle, is averaged to."""
    return _largest_inside(wanted, sides) if pixel_format.resize == "pad" else wanted


def _largest_inside(bound: Sides, proportions: Sides) -> tf.Tensor:
    """int32 [..., 2]: the sides of the largest picture of these `proportions` inside of `bound`, rounded to whole
    pixels, at least one."""
    bound, proportions = tf.cast(bound, tf.int64), tf.cast(proportions, tf.int64)
    other = bound[..., ::-1]
    across = tf.maximum(proportions[..., ::-1], 1)  # a damaged header may say 0, which is refused elsewhere
    fitting = (2 * other * proportions + across) // (2 * across)
    return tf.cast(tf.maximum(tf.minimum(bound, fitting), 1), tf.int32)


def _averaged(image: tf.Tensor, sides: Sides) -> tf.Tensor:
    """[height, width, channels] -> those sides, same dtype.

    Area average, as `cv2.INTER_AREA` on a down-scale: within one level of it.
    """
    area = tf.image.resize(image, sides, method=tf.image.ResizeMethod.AREA)
    return tf.cast(tf.round(area), image.dtype)


def _middle(image: tf.Tensor, turn: tf.Tensor | None, sides: tf.Tensor) -> tf.Tensor:
    """The part of these sides around the picture's center."""
    room = tf.shape(image)[:2] - sides
    start = room // 2 if turn is None else (room + orientation.reversed_axes(turn)) // 2
    return tf.slice(image, tf.concat([start, [0]], 0), tf.concat([sides, [-1]], 0))


def _framed(image: tf.Tensor, pixel_format: PixelFormat) -> tf.Tensor:
    """An upright picture in the middle of one of the format's shape, which is the background elsewhere."""
    room = pixel_format.shape[:2] - tf.shape(image)[:2]
    margins = tf.pad(tf.stack([room // 2, room - room // 2], axis=1), [[0, 1], [0, 0]])
    inside = tf.pad(tf.ones_like(image), margins) > 0
    return tf.where(inside, tf.pad(image, margins), background_of(pixel_format))
