"""Uncompressed BMP inside the graph: palettes, 16-bit and 32-bit masks, bottom-up and top-down.

TensorFlow's own decoder refuses palettes of 1 and 4 bits and 16-bit pixels, and reads an 8-bit palette as gray.
"""

import typing

import tensorflow as tf


class BitmapHeader(typing.NamedTuple):
    """The facts of a BMP, each int64 []; sizes in pixels, `offset` and `palette` in bytes from the file's start."""

    offset: tf.Tensor
    palette: tf.Tensor
    width: tf.Tensor
    height: tf.Tensor
    is_top_down: tf.Tensor
    bits: tf.Tensor
    masks: tf.Tensor
    colors: tf.Tensor


def read_header(image_bytes: tf.Tensor) -> BitmapHeader:
    """The header of a BMP, string []; raises tf.errors.InvalidArgumentError for one, or a compression, that is not
    decoded."""
    raw = tf.io.decode_raw(tf.strings.substr(image_bytes, 0, 66), tf.uint8)
    raw = tf.cast(tf.pad(raw, [[0, 66 - tf.size(raw)]]), tf.int64)

    def number(position, size=4):
        return tf.reduce_sum(raw[position : position + size] * [1 << 8 * place for place in range(size)])

    size, bits, compression, colors = number(14), number(28, 2), number(30), number(46)
    signed_height = (number(22) + (1 << 31)) % (1 << 32) - (1 << 31)
    is_masked = (tf.equal(compression, 3) | tf.equal(compression, 6)) & (tf.equal(bits, 16) | tf.equal(bits, 32))
    depth_known = tf.reduce_any(tf.equal(bits, [1, 4, 8, 16, 24, 32]))
    palette_fits = (bits > 8) | (colors <= tf.bitwise.left_shift(tf.constant(1, tf.int64), tf.minimum(bits, 8)))
    known = (size >= 40) & depth_known & palette_fits & (tf.equal(compression, 0) | is_masked)
    message = ["a BMP that is not decoded (convert it to PNG): header of", size, "bytes,", bits]
    message += ["bits a pixel, compression", compression, ", colors", colors]
    with tf.control_dependencies([tf.debugging.Assert(known, message)]):
        width = tf.identity(number(18))
    default = tf.where(tf.equal(bits, 16), [0x7C00, 0x3E0, 0x1F], [0xFF0000, 0xFF00, 0xFF])
    stored = tf.stack([number(54), number(58), number(62)])
    return BitmapHeader(
        offset=number(10),
        palette=14 + size,
        width=width,
        height=tf.abs(signed_height),
        is_top_down=signed_height < 0,
        bits=bits,
        masks=tf.where(is_masked, stored, tf.cast(default, tf.int64)),
        colors=colors,
    )


def decode(image_bytes: tf.Tensor, header: BitmapHeader) -> tf.Tensor:
    """`image_bytes` string [] of a size that was checked -> [height, width, 3] uint8.

    Raises tf.errors.InvalidArgumentError where the file is shorter than its pixels.
    """
    raw = tf.io.decode_raw(image_bytes, tf.uint8)
    row_bytes = (header.width * header.bits + 31) // 32 * 4
    end = header.offset + row_bytes * header.height
    whole = (end <= tf.size(raw, tf.int64)) & (header.palette <= header.offset)
    with tf.control_dependencies([tf.debugging.Assert(whole, ["a BMP that ends before its pixels do"])]):
        # All that follows comes from here: sizes that were not found good ask for gigabytes.
        raw = tf.identity(raw)
    rows = tf.reshape(raw[header.offset : end], tf.stack([header.height, row_bytes]))
    rows = tf.cond(header.is_top_down, lambda: rows, lambda: tf.reverse(rows, [0]))

    def from_triples():
        return tf.reshape(rows[:, : 3 * header.width], tf.stack([header.height, header.width, 3]))[:, :, ::-1]

    kind = tf.where(header.bits <= 8, 0, tf.where(tf.equal(header.bits, 24), 2, 1))
    decoders = [lambda: _from_palette(rows, raw, header), lambda: _from_masks(rows, header), from_triples]
    return tf.switch_case(kind, decoders)


def _from_palette(rows: tf.Tensor, raw: tf.Tensor, header: BitmapHeader) -> tf.Tensor:
    per_byte = 8 // header.bits
    shifts = tf.cast(tf.range(per_byte - 1, -1, -1) * header.bits, tf.uint8)
    mask = tf.cast(tf.bitwise.left_shift(tf.constant(1, tf.int64), header.bits) - 1, tf.uint8)
    indices = tf.bitwise.bitwise_and(tf.bitwise.right_shift(rows[:, :, None], shifts), mask)
    indices = tf.reshape(indices, tf.stack([header.height, -1]))[:, : header.width]
    claimed = tf.where(tf.equal(header.colors, 0), tf.constant(256, tf.int64), header.colors)
    entries = tf.minimum(claimed, (header.offset - header.palette) // 4)
    palette = tf.reshape(raw[header.palette : header.palette + 4 * entries], [-1, 4])
    # Black stands for an index beyond the palette.
    palette = tf.pad(palette[:, 2::-1], [[0, 256 - entries], [0, 0]])
    return tf.gather(palette, tf.cast(indices, tf.int32))


def _from_masks(rows: tf.Tensor, header: BitmapHeader) -> tf.Tensor:
    size = header.bits // 8
    parts = tf.reshape(rows, tf.stack([header.height, -1, size]))[:, : header.width]
    places = tf.bitwise.left_shift(tf.constant(1, tf.int64), 8 * tf.range(size))
    pixels = tf.reduce_sum(tf.cast(parts, tf.int64) * places, axis=-1, keepdims=True)
    # A mask without bits leaves its color black; the lowest bit of one is the unit of its values.
    unit = tf.maximum(tf.bitwise.bitwise_and(header.masks, -header.masks), 1)
    highest = tf.maximum(header.masks // unit, 1)
    values = tf.bitwise.bitwise_and(pixels, header.masks) // unit
    return tf.cast(values * 255 // highest, tf.uint8)
