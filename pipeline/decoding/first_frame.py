"""Cuts the first frame out of a GIF or WebP, in the graph, as a still file of its own.

The decoders of an animation decode every frame before they give the first: slow for a long one, and memory without
bound for a made-up one. Alone, a frame costs what a still picture costs. Of a GIF, whose decoder knows no
transparency, the transparent color of the palette becomes that of the background; a WebP keeps its plane of alpha.
"""

import tensorflow as tf

from pipeline.sources.headers import MAX_SEGMENTS

# Zeros beyond the end of the file: a read of fixed size there finds nothing and ends every walk.
_PADDING = 32
_LOSSY, _LOSSLESS, _ANIMATION_FRAME, _ALPHA = (
    int.from_bytes(name, "little") for name in (b"VP8 ", b"VP8L", b"ANMF", b"ALPH")
)


def _padded(image_bytes: tf.Tensor) -> tf.Tensor:
    return tf.pad(tf.io.decode_raw(image_bytes, tf.uint8), [[0, _PADDING]])


def _number(raw: tf.Tensor, position: tf.Tensor, size: int) -> tf.Tensor:
    """The little-endian number of `size` bytes at `position` -> int64 []."""
    places = tf.constant([1 << 8 * place for place in range(size)], tf.int64)
    return tf.reduce_sum(tf.cast(raw[position : position + size], tf.int64) * places)


def cut_gif(image_bytes: tf.Tensor, background: tuple[int, int, int]) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
    """The first picture block of a GIF, string [] -> (a GIF of it, string []; width and height in pixels, int64 []).

    What is transparent gets `background`, red, green and blue. Raises tf.errors.InvalidArgumentError where there is no
    whole picture block.
    """
    raw, length = _padded(image_bytes), tf.strings.length(image_bytes)
    colors_end = 13 + _palette_bytes(raw[10])
    # 0x21 introduces an extension: delay and transparency, comments, repeats.
    start, transparent = tf.while_loop(
        lambda position, _: tf.equal(_at(raw, length, position), 0x21),
        lambda position, index: [_skip_blocks(raw, length, position + 2), _transparent(raw, length, position, index)],
        [colors_end, tf.constant(-1)],
    )
    end = _skip_blocks(raw, length, start + 11 + _palette_bytes(_at(raw, length, start + 9)))
    whole = tf.equal(_at(raw, length, start), 0x2C) & (end <= length)
    with tf.control_dependencies([tf.debugging.Assert(whole, ["a GIF without a whole picture in it"])]):
        # Not before it is known to be whole: which of two failures is told is chance, and an operation's own words for
        # a place beyond the end quote the bytes of the file, which no Python can read as text.
        colors = tf.strings.substr(image_bytes, 0, colors_end)
        picture = tf.strings.substr(image_bytes, start + 5, end - start - 5)
        width, height = _number(raw, start + 5, 2), _number(raw, start + 7, 2)
    # The frame is placed at the corner: the decoder would clip what lies off it.
    frame = tf.strings.join([colors, tf.constant(b",\0\0\0\0"), picture, tf.constant(b";")])
    own = _palette_bytes(_at(raw, length, start + 9))
    palette, size = tf.where(own > 0, colors_end + 10, 13), tf.where(own > 0, own, colors_end - 13)
    place = palette + 3 * transparent
    laid = tf.strings.join(
        [tf.strings.substr(frame, 0, place), bytes(background), tf.strings.substr(frame, place + 3, -1)]
    )
    return tf.where((transparent >= 0) & (3 * transparent < size), laid, frame), width, height


def _transparent(raw: tf.Tensor, length: tf.Tensor, position: tf.Tensor, before: tf.Tensor) -> tf.Tensor:
    """int32 []: which color of the palette is transparent, as the extension at `position` says if it does; -1 none."""
    is_control = tf.equal(_at(raw, length, position + 1), 0xF9)
    has_one = tf.equal(_at(raw, length, position + 3) & 1, 1)
    now = tf.where(has_one, _at(raw, length, position + 6), -1)
    return tf.where(is_control, now, before)


def _at(raw: tf.Tensor, length: tf.Tensor, position: tf.Tensor) -> tf.Tensor:
    return tf.cast(raw[tf.minimum(position, length)], tf.int32)


def _palette_bytes(flags: tf.Tensor) -> tf.Tensor:
    flags = tf.cast(flags, tf.int32)
    return tf.where(flags >= 0x80, 3 * tf.bitwise.left_shift(2, flags % 8), 0)


def _skip_blocks(raw: tf.Tensor, length: tf.Tensor, position: tf.Tensor) -> tf.Tensor:
    """The place after a chain of blocks, each of a length byte and as many bytes, closed by an empty block."""
    (last,) = tf.while_loop(
        lambda place: _at(raw, length, place) > 0, lambda place: [place + 1 + _at(raw, length, place)], [position]
    )
    return last + 1


def cut_webp(image_bytes: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
    """The first frame of a WebP, string [], with its plane of alpha -> as `cut_gif`.

    Raises tf.errors.InvalidArgumentError where there is no whole frame.
    """
    raw, length = _padded(image_bytes), tf.strings.length(image_bytes)
    start, name, alpha = _find_frame(raw, length)
    payload = _number(raw, start + 4, 4)
    end = tf.cast(start, tf.int64) + 8 + payload + payload % 2
    whole = _is_frame(name) & (end <= tf.cast(length, tf.int64) + payload % 2)
    with tf.control_dependencies([tf.debugging.Assert(whole, ["a WebP without a whole picture in it"])]):
        size = tf.cast(8 + payload, tf.int32)
    pad = tf.strings.substr(tf.constant(b"\0"), 0, size % 2)
    lossy, bits = tf.equal(name, _LOSSY), _number(raw, start + 9, 4)
    width = tf.where(lossy, _number(raw, start + 14, 2) % 0x4000, bits % 0x4000 + 1)
    height = tf.where(lossy, _number(raw, start + 16, 2) % 0x4000, bits // 0x4000 % 0x4000 + 1)
    # A plane of alpha stands before a lossy frame, and is read where a header says so.
    has_alpha = lossy & (alpha >= 0)
    first = tf.where(has_alpha, alpha, start)
    sides = [tf.bitcast(tf.cast(side - 1, tf.int32), tf.uint8)[:3] for side in (width, height)]
    extended = tf.strings.join([b"VP8X\x0a\0\0\0\x10\0\0\0", *map(_to_bytes, sides)])
    extended = tf.strings.substr(extended, 0, tf.where(has_alpha, 18, 0))
    chunks = tf.strings.join([extended, tf.strings.substr(image_bytes, first, start + size - first), pad])
    total = tf.bitcast(4 + tf.strings.length(chunks), tf.uint8)
    return tf.strings.join([b"RIFF", _to_bytes(total), b"WEBP", chunks]), width, height


def _is_frame(name: tf.Tensor) -> tf.Tensor:
    return tf.equal(name, _LOSSY) | tf.equal(name, _LOSSLESS)


def _find_frame(raw: tf.Tensor, length: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
    """(where the first frame's chunk begins, its name, where its plane of alpha begins or -1)."""

    def step_over(position, name, alpha):
        alpha = tf.where(tf.equal(name, _ALPHA), position, alpha)
        size = _number(raw, position + 4, 4)
        # An animation frame is 16 bytes of its own, then chunks: go into it.
        step = tf.where(tf.equal(name, _ANIMATION_FRAME), tf.constant(24, tf.int64), 8 + size + size % 2)
        position = tf.cast(tf.minimum(tf.cast(position, tf.int64) + step, tf.cast(length, tf.int64)), tf.int32)
        return position, _number(raw, position, 4), alpha

    first = tf.constant(12)
    return tf.while_loop(
        lambda position, name, alpha: (position < length) & ~_is_frame(name),
        step_over,
        (first, _number(raw, first, 4), tf.constant(-1)),
        maximum_iterations=MAX_SEGMENTS - 1,
    )


def _to_bytes(values: tf.Tensor) -> tf.Tensor:
    """uint8 [n] -> the string [] of those bytes."""
    alphabet = tf.constant([bytes([value]) for value in range(256)])
    return tf.strings.reduce_join(tf.gather(alphabet, tf.cast(values, tf.int32)))
