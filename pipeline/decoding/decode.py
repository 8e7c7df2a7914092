"""Encoded bytes -> pixels of one size: the only place that decodes.

One graph function, used while packing, streaming, evaluating and in the exported model, where it meets bytes that
nobody has looked at before. So every format is checked for its size before anything of that size is allocated.
"""

import functools
from collections.abc import Callable, Sequence

import tensorflow as tf

from pipeline.decoding import bitmap, first_frame, orientation
from pipeline.decoding.colors import laid_on, luma, to_depth
from pipeline.decoding.pixel_format import PixelFormat
from pipeline.decoding.resize import fit, jpeg_halvings, stored_sides
from pipeline.sources.headers import MAX_PIXELS, PIXELS_A_BYTE, SMALL_PIXELS

_DCT_METHOD = "INTEGER_ACCURATE"  # TensorFlow's own choice is up to 20 levels off, and no faster
# What a file starts with, without the length that stands inside a WebP's, and the decoder that it takes.
_MAGIC = {b"\xff\xd8\xff": 0, b"\x89PNG\r\n\x1a\n": 1, b"GIF87a": 2, b"GIF89a": 2, b"BM": 3, b"RIFFWEBP": 4}


# Nothing here needs AutoGraph, and its reading of every line would cost more than the rest of the tracing.
@tf.autograph.experimental.do_not_convert
def decode_image(image_bytes: tf.Tensor, pixel_format: PixelFormat) -> tf.Tensor:
    """Decodes a picture and makes it, upright, the size that is wanted: see `resize`.

    JPEG (the first picture of an MPO too), PNG, GIF and WebP (first frame), BMP. What is transparent in a
    PNG, GIF or WebP is laid on the format's background; alpha in a BMP is dropped. Of a 16-bit
    PNG, `bit_depth=8` keeps the high byte; 8 bits become 16 by v * 257, so that white stays white. Gray from color
    is ITU-R BT.601 luma.

    Args: `image_bytes` string [], a whole file.

    Returns:
      [height, width, channels] uint8 in [0, 255] or uint16 in [0, 65535], of static shape.

    Raises:
      tf.errors.InvalidArgumentError: the bytes are not such a picture, are damaged, or hold above `MAX_PIXELS`.
    """
    image, turn = decode_stored(tf.convert_to_tensor(image_bytes, tf.string), pixel_format)
    return fit(image, turn, pixel_format)


def decode_stored(image_bytes: tf.Tensor, pixel_format: PixelFormat) -> tuple[tf.Tensor, tf.Tensor]:
    """As `decode_image`, before the resize: ([height, width, channels], orientation int32 [], 1 to 8).

    Height and width are those that `pipeline.sources.headers.read_header` reads; of a JPEG perhaps 1/2, 1/4 or 1/8 of
    them.
    """
    decoders = [_decode_jpeg, _decode_png, _decode_gif, _decode_bitmap, _decode_webp]
    branches = [lambda decoder=decoder: decoder(image_bytes, pixel_format) for decoder in decoders]
    image, turn = _first_of(_format_index(image_bytes), branches)
    return tf.ensure_shape(image, [None, None, pixel_format.channels]), turn


def _first_of(index: tf.Tensor, branches: Sequence[Callable]):
    """`branches[index]()`, for a last index where none before it is.

    Not by tf.switch_case: under op determinism, which a run has on a GPU, tf.data takes a Case with an Assert in it
    for stateful and runs its map on one thread. An If is looked into.
    """
    if len(branches) == 1:
        return not_inlined(branches[0])()
    return tf.cond(tf.equal(index, 0), not_inlined(branches[0]), lambda: _first_of(index - 1, branches[1:]))


def not_inlined(branch: Callable[[], tf.Tensor]) -> Callable[[], tf.Tensor]:
    """A branch as one node of its graph.

    Else all of its nodes are the graph's, and are gone through where it is not taken too: those of the formats that a
    picture has not cost 0.15 ms of a JPEG's 0.95.
    """
    if tf.executing_eagerly():
        return branch
    return tf.function(branch, autograph=False, experimental_attributes={"_noinline": True})


def _format_index(image_bytes: tf.Tensor) -> tf.Tensor:
    # The zeros: a place beyond the end of a string would be an error.
    head = tf.strings.join([tf.strings.substr(image_bytes, 0, 12), tf.constant(bytes(12))])
    start = tf.strings.substr(head, 0, 8)
    is_riff = tf.equal(tf.strings.substr(head, 0, 4), b"RIFF")
    start = tf.where(is_riff, tf.strings.join([b"RIFF", tf.strings.substr(head, 8, 4)]), start)
    matches = tf.stack([tf.equal(tf.strings.substr(start, 0, len(magic)), magic) for magic in _MAGIC])
    message = "not a picture: none of the magic bytes of JPEG, PNG, GIF, BMP or WebP"
    with tf.control_dependencies([tf.debugging.Assert(tf.reduce_any(matches), [message])]):
        return tf.gather(list(_MAGIC.values()), tf.argmax(tf.cast(matches, tf.int32)))


def check_size(width: tf.Tensor, height: tf.Tensor, image_bytes: tf.Tensor) -> tf.Operation:
    """Asserts that a picture of integer `width` [] and `height` [] has pixels, not above `MAX_PIXELS`, and not above
    what its bytes, string [], can hold; `pipeline.sources.headers.read_header` refuses the same."""
    width, height = tf.cast(width, tf.int64), tf.cast(height, tf.int64)
    length = tf.strings.length(image_bytes)
    most = tf.maximum(tf.constant(SMALL_PIXELS, tf.int64), PIXELS_A_BYTE * tf.cast(length, tf.int64))
    # Divided, because two sides of 32 bits have a product of 64, which would count as negative.
    good = (width > 0) & (height > 0) & (height <= tf.minimum(most, MAX_PIXELS) // tf.maximum(width, 1))
    return tf.debugging.Assert(
        good,
        ["a picture of", width, "x", height, "pixels in", length, f"bytes: from 1 to {MAX_PIXELS} pixels are decoded, "
         f"above {SMALL_PIXELS} of them {PIXELS_A_BYTE} a byte at most"],
    )  # fmt: skip


def _decode_jpeg(image_bytes: tf.Tensor, pixel_format: PixelFormat) -> tuple[tf.Tensor, tf.Tensor]:
    shape = tf.io.extract_jpeg_shape(image_bytes)
    turn = orientation.read_orientation(image_bytes)
    halvings = jpeg_halvings(shape[:2], stored_sides(turn, pixel_format), pixel_format)

    def native():
        ratios = [functools.partial(jpeg_pixels, image_bytes, pixel_format, ratio) for ratio in (1, 2, 4, 8)]
        return tf.switch_case(halvings, ratios)

    def from_cmyk():
        color = tf.io.decode_jpeg(image_bytes, channels=3, dct_method=_DCT_METHOD)
        return to_depth(luma(color), pixel_format)

    with tf.control_dependencies([check_size(shape[1], shape[0], image_bytes)]):
        # The decoder gives no gray from CMYK, so that takes the way through color.
        is_cmyk = tf.equal(shape[2], 4)
        image = tf.cond(is_cmyk, from_cmyk, native) if pixel_format.channels == 1 else native()
    return image, turn


def jpeg_pixels(image_bytes: tf.Tensor, pixel_format: PixelFormat, ratio: int = 1) -> tf.Tensor:
    """[height, width, channels] of a JPEG, string [], of which each side is divided by `ratio`: 1, 2, 4 or 8."""
    channels = pixel_format.channels
    image = tf.io.decode_jpeg(image_bytes, channels=channels, ratio=ratio, dct_method=_DCT_METHOD)
    return to_depth(image, pixel_format)


def _decode_png(image_bytes: tf.Tensor, pixel_format: PixelFormat) -> tuple[tf.Tensor, tf.Tensor]:
    header = tf.cast(tf.io.decode_raw(tf.strings.substr(image_bytes, 0, 26), tf.uint8)[16:], tf.int64)
    header = tf.pad(header, [[0, 10 - tf.size(header)]])
    powers = tf.constant([1 << 24, 1 << 16, 1 << 8, 1], tf.int64)
    width, height = tf.reduce_sum(header[:4] * powers), tf.reduce_sum(header[4:8] * powers)
    dtype = tf.as_dtype(pixel_format.dtype)

    def decode(channels):
        return tf.io.decode_png(image_bytes, channels=channels, dtype=dtype)

    def opaque():
        if pixel_format.channels == 1:
            # libpng would make gray in linear light where a gamma is stored, so only stored gray is read as gray.
            is_gray = tf.equal(header[9] & 2, 0)
            return tf.cond(is_gray, lambda: decode(1), lambda: luma(decode(3)))
        return decode(3)

    def transparent():
        color = laid_on(decode(4), pixel_format.background)
        return luma(color) if pixel_format.channels == 1 else color

    # Colors with alpha, or a chunk that makes some transparent, before the pixels begin.
    before_pixels = tf.strings.split(image_bytes, b"IDAT", maxsplit=1)[0]
    has_alpha = (header[9] >= 4) | (tf.size(tf.strings.split(before_pixels, b"tRNS", maxsplit=1)) > 1)
    with tf.control_dependencies([check_size(width, height, image_bytes)]):
        return tf.cond(has_alpha, transparent, opaque), tf.constant(1)


def _decode_gif(image_bytes: tf.Tensor, pixel_format: PixelFormat) -> tuple[tf.Tensor, tf.Tensor]:
    frame, width, height = first_frame.cut_gif(image_bytes, pixel_format.background)
    with tf.control_dependencies([check_size(width, height, image_bytes)]):
        return _from_color(tf.io.decode_gif(frame)[0], pixel_format)


def _decode_webp(image_bytes: tf.Tensor, pixel_format: PixelFormat) -> tuple[tf.Tensor, tf.Tensor]:
    frame, width, height = first_frame.cut_webp(image_bytes)
    with tf.control_dependencies([check_size(width, height, image_bytes)]):
        image = tf.io.decode_webp(frame)[0]  # three channels or four
    has_alpha = tf.equal(tf.shape(image)[2], 4)
    color = tf.cond(has_alpha, lambda: laid_on(image, pixel_format.background), lambda: image[..., :3])
    return _from_color(color, pixel_format)


def _decode_bitmap(image_bytes: tf.Tensor, pixel_format: PixelFormat) -> tuple[tf.Tensor, tf.Tensor]:
    header = bitmap.read_header(image_bytes)
    with tf.control_dependencies([check_size(header.width, header.height, image_bytes)]):
        return _from_color(bitmap.decode(image_bytes, header), pixel_format)


def _from_color(image: tf.Tensor, pixel_format: PixelFormat) -> tuple[tf.Tensor, tf.Tensor]:
    return to_depth(luma(image) if pixel_format.channels == 1 else image, pixel_format), tf.constant(1)
