"""EXIF orientation inside the graph: read from the bytes of a JPEG, applied to a picture.

A served picture comes with no scan before it, so the orientation is read where the picture is decoded, in training
too. What is looked at, and what is ignored, equals `pipeline.sources.headers.read_orientation`.
"""

import functools
import itertools

import tensorflow as tf

from pipeline.sources.headers import HEADER_BYTES, MAX_SEGMENTS

_EXIF = [0xE1, *b"Exif\0\0"]
_WINDOW = 10  # FF, marker, two bytes of length, "Exif\0\0"
_JFIF = b"\xff\xe0\0\x10"
_TABLES = b"\xff\xdb"
_ZEROS = bytes(22)
_TAG_ORIENTATION = 0x0112
_TYPE_SHORT = 3
# What each of the eight does to make a picture upright: whether it swaps the axes, then which it reverses.
_TURNS = tuple(itertools.product((False, True), ((), (1,), (0, 1), (0,))))


def read_orientation(image_bytes: tf.Tensor) -> tf.Tensor:
    """EXIF orientation of a JPEG: `image_bytes` string [] -> int32 [], 1 to 8; 1 where it is absent or damaged."""
    # Most files have a JFIF segment, or none, and then tables: a look at fixed places spares them the walk.
    start = tf.strings.join([tf.strings.substr(image_bytes, 0, 22), _ZEROS])
    tables_first = tf.equal(tf.strings.substr(start, 2, 2), _TABLES)
    tables_second = tf.equal(tf.strings.substr(start, 2, 4), _JFIF) & tf.equal(tf.strings.substr(start, 20, 2), _TABLES)
    return tf.cond(tables_first | tables_second, lambda: tf.constant(1), lambda: _walk(image_bytes))


def _walk(image_bytes: tf.Tensor) -> tf.Tensor:
    head = tf.io.decode_raw(tf.strings.substr(image_bytes, 0, HEADER_BYTES), tf.uint8)
    start, window = _find_exif(head)
    end = start + 2 + _big_endian(window[2:4])
    return tf.cond(_is_exif(window), lambda: _tiff_orientation(head[start + _WINDOW : end]), lambda: tf.constant(1))


def _find_exif(head: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    """Steps over the segments that may stand before EXIF; gives the first other one and its first ten bytes."""

    def may_stand_before(_, window):
        marker = window[1]
        is_metadata = tf.logical_or(tf.equal(marker & 0xF0, 0xE0), tf.equal(marker, 0xFE))
        return tf.equal(window[0], 0xFF) & is_metadata & ~_is_exif(window)

    def step_over(position, window):
        position += 2 + _big_endian(window[2:4])
        return position, _window_at(head, position)

    first = tf.constant(2)
    return tf.while_loop(
        may_stand_before, step_over, (first, _window_at(head, first)), maximum_iterations=MAX_SEGMENTS - 1
    )


def _window_at(head: tf.Tensor, position: tf.Tensor) -> tf.Tensor:
    window = tf.cast(head[position : position + _WINDOW], tf.int32)
    # Zeros stand for what lies beyond the end: a zero is no marker, so the walk stops there.
    return tf.ensure_shape(tf.pad(window, [[0, _WINDOW - tf.size(window)]]), [_WINDOW])


def _is_exif(window: tf.Tensor) -> tf.Tensor:
    return tf.equal(window[0], 0xFF) & tf.reduce_all(tf.equal(tf.gather(window, [1, 4, 5, 6, 7, 8, 9]), _EXIF))


def _big_endian(pair: tf.Tensor) -> tf.Tensor:
    return pair[0] * 256 + pair[1]


def _tiff_orientation(tiff: tf.Tensor) -> tf.Tensor:
    """`tiff` uint8 [n]: a TIFF header and its first directory -> int32 []."""
    tiff = tf.cast(tiff, tf.int32)
    start = tf.pad(tiff[:8], [[0, 8 - tf.minimum(tf.size(tiff), 8)]])
    little = tf.reduce_all(tf.equal(start[:4], list(b"II*\0")))
    known = little | tf.reduce_all(tf.equal(start[:4], list(b"MM\0*")))
    # Big-endian words are turned round once, so that one reader does for both byte orders.
    offset_bytes = tf.cast(tf.where(little, start[4:], tf.reverse(start[4:], [0])), tf.int64)
    first = tf.reduce_sum(offset_bytes * [1, 1 << 8, 1 << 16, 1 << 24])
    inside = first + 2 <= tf.size(tiff, tf.int64)
    return tf.cond(
        known & inside, lambda: _directory_orientation(tiff[tf.cast(first, tf.int32) :], little), lambda: tf.constant(1)
    )


def _directory_orientation(directory: tf.Tensor, little: tf.Tensor) -> tf.Tensor:
    """`directory` int32 [n]: two bytes of count, then entries of 12 bytes -> int32 []."""
    low, high = tf.where(little, 1, 256), tf.where(little, 256, 1)
    claimed = directory[0] * low + directory[1] * high
    entries = tf.minimum(claimed, (tf.size(directory) - 2) // 12)
    pairs = tf.reshape(directory[2 : 2 + 12 * entries], [-1, 6, 2])
    words = pairs[..., 0] * low + pairs[..., 1] * high
    found = tf.where(tf.equal(words[:, 0], _TAG_ORIENTATION))[:1, 0]
    # Tag, type, two words of count, two of value: one SHORT, its value in the first word.
    entry = tf.gather(words, found)
    count = tf.where(little, entry[:, 2] + entry[:, 3] * 65536, entry[:, 3] + entry[:, 2] * 65536)
    value = entry[:, 4]
    good = tf.equal(entry[:, 1], _TYPE_SHORT) & tf.equal(count, 1) & (value >= 1) & (value <= 8)
    return tf.reduce_max(tf.concat([tf.where(good, value, 1), [1]], 0))


def apply_orientation(image: tf.Tensor, orientation: tf.Tensor) -> tf.Tensor:
    """Turns a picture upright: [height, width, channels], any dtype; `orientation` int32 [], 1 to 8."""

    def turned(transposes, axes):
        turn = tf.transpose(image, [1, 0, 2]) if transposes else tf.identity(image)
        return tf.reverse(turn, axes) if axes else turn

    return tf.switch_case(orientation - 1, [functools.partial(turned, *turn) for turn in _TURNS])


def is_transposed(orientation: tf.Tensor) -> tf.Tensor:
    """bool []: whether height and width change places on the way upright."""
    return orientation > 4


def reversed_axes(orientation: tf.Tensor) -> tf.Tensor:
    """int32 [2]: 1 for each axis of the picture as it is stored, rows and columns, that runs the other way upright."""
    turns = [[int((1 - axis if transposes else axis) in axes) for axis in (0, 1)] for transposes, axes in _TURNS]
    return tf.gather(turns, orientation - 1)
