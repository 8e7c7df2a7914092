"""What each format has of its own: orientation, gray, first frames, bitmaps; against Pillow."""

import io
import struct
import zlib

import numpy as np
import pytest
import tensorflow as tf
from PIL import Image

from pipeline.decoding.orientation import apply_orientation
from pipeline.sources import headers
from tests.helpers.pictures import (
    averaged,
    decode,
    encode,
    graph_orientation,
    levels_apart,
    oriented,
    picture,
    with_pillow,
)


@pytest.mark.parametrize("orientation", range(1, 9))
def test_each_orientation_turns_as_pillow_does(orientation):
    image_bytes = oriented(encode(picture(), "JPEG"), orientation)
    assert levels_apart(decode(image_bytes), averaged(with_pillow(image_bytes))).max() <= 1
    assert graph_orientation(image_bytes).numpy() == orientation


def test_turns_keep_the_values():
    image = np.arange(18, dtype=np.uint16).reshape(3, 3, 2)
    turned = {apply_orientation(image, tf.constant(number)).numpy().tobytes() for number in range(1, 9)}
    assert len(turned) == 8


@pytest.mark.parametrize(
    ("format_name", "mode"),
    [
        ("PNG", "RGB"),
        ("PNG", "L"),
        ("PNG", "LA"),
        ("PNG", "P"),
        ("PNG", "RGBA"),
        ("GIF", "P"),
        ("BMP", "RGB"),
        ("BMP", "L"),
        ("WEBP", "RGB"),
        ("JPEG", "L"),
        ("JPEG", "CMYK"),
    ],
)
def test_gray_is_luma(format_name, mode):
    image_bytes = encode(picture(), format_name, mode)
    assert levels_apart(decode(image_bytes, channels=1), averaged(with_pillow(image_bytes, "L"))).max() <= 1


def test_gray_of_a_color_jpeg():
    image_bytes = encode(picture(), "JPEG", quality=95)
    assert levels_apart(decode(image_bytes, channels=1), averaged(with_pillow(image_bytes, "L"))).max() <= 1


def test_gray_ignores_a_stored_gamma():
    """libpng would mix the colors in linear light: far from the gray of the same pixels in another format."""
    png = encode(picture(), "PNG")
    gamma = struct.pack(">I4sI", 4, b"gAMA", 45455)
    gamma += struct.pack(">I", zlib.crc32(gamma[4:]))
    np.testing.assert_array_equal(decode(png[:33] + gamma + png[33:], channels=1), decode(png, channels=1))


@pytest.mark.parametrize("bits", [1, 2, 4, 8])
def test_a_long_animation_costs_its_first_frame(bits):
    frames = [Image.fromarray(np.roll(picture(), 5 * number, 1)).quantize(1 << bits) for number in range(6)]
    encoded = io.BytesIO()
    frames[0].save(encoded, "GIF", save_all=True, append_images=frames[1:], duration=40, loop=0)
    first = np.asarray(frames[0].convert("RGB"))
    assert levels_apart(decode(encoded.getvalue()), averaged(first)).max() <= 1
    # The frames after the first are not even looked at.
    cut = encoded.getvalue()[: -len(encoded.getvalue()) // 3]
    assert levels_apart(decode(cut), averaged(first)).max() <= 1


@pytest.mark.parametrize("image_bytes", [b"GIF89a\xff\xff\xfe", b"GIF89a" + b"\xff" * 20, b"GIF87a\xfe"])
def test_a_gif_that_ends_too_soon_is_refused_in_words_that_are_text(image_bytes):
    """An operation that is asked for a place beyond the end quotes the bytes, and Python cannot read its error."""
    with pytest.raises(tf.errors.InvalidArgumentError, match="a GIF without a whole picture in it"):
        decode(image_bytes)


@pytest.mark.parametrize("options", [{"lossless": True}, {"quality": 90}])
def test_the_first_frame_of_an_animated_webp(options):
    frames = [Image.fromarray(np.roll(picture(), 5 * number, 1)) for number in range(4)]
    encoded = io.BytesIO()
    frames[0].save(encoded, "WEBP", save_all=True, append_images=frames[1:], **options)
    assert levels_apart(decode(encoded.getvalue()), averaged(with_pillow(encoded.getvalue()))).max() <= 1


def test_transparency_is_dropped():
    pixels = np.dstack([picture(), np.tile(np.arange(96, dtype=np.uint8), (64, 1))])
    for format_name, options in (("PNG", {}), ("WEBP", {"lossless": True, "exact": True})):
        found = decode(encode(pixels, format_name, **options))
        assert levels_apart(found, averaged(np.ascontiguousarray(pixels[..., :3]))).max() <= 1


def bitmap(pixel_bytes: bytes, width: int, height: int, bits: int, masks: tuple = (), palette: bytes = b"") -> bytes:
    after = b"".join(struct.pack("<I", mask) for mask in masks) + palette
    offset = 54 + len(after)
    sizes = (40, width, height, 1, bits, 3 if masks else 0, 0, 0, 0, len(palette) // 4, 0)
    return struct.pack("<2sIHHI", b"BM", 0, 0, 0, offset) + struct.pack("<IiiHHIIiiII", *sizes) + after + pixel_bytes


@pytest.mark.parametrize("top_down", [False, True])
def test_bitmap_of_each_depth(top_down):
    rng = np.random.default_rng(1)
    height = -40 if top_down else 40
    rows = {bits: (37 * bits + 31) // 32 * 4 for bits in (1, 4, 8, 16, 24, 32)}
    for bits, row_bytes in rows.items():
        stored = rng.integers(0, 256, (40, row_bytes), np.uint8).tobytes()
        palette = rng.integers(0, 256, (1 << bits, 4), np.uint8).tobytes() if bits <= 8 else b""
        image_bytes = bitmap(stored, 37, height, bits, palette=palette)
        assert levels_apart(decode(image_bytes), averaged(with_pillow(image_bytes))).max() <= 1, bits
        assert headers.read_header(image_bytes).height == 40


def test_bitmap_of_565_bits():
    stored = np.random.default_rng(2).integers(0, 256, (40, 80), np.uint8).tobytes()
    image_bytes = bitmap(stored, 40, 40, 16, masks=(0xF800, 0x7E0, 0x1F))
    assert levels_apart(decode(image_bytes), averaged(with_pillow(image_bytes))).max() <= 1


def test_a_cut_bitmap_is_refused_by_name():
    with pytest.raises(tf.errors.InvalidArgumentError, match="ends before its pixels do"):
        decode(bitmap(bytes(40 * 120 - 1), 40, 40, 24))


def palette_bitmap() -> bytearray:
    rng = np.random.default_rng(3)
    stored, palette = (rng.integers(0, 256, shape, np.uint8).tobytes() for shape in ((40, 40), (256, 4)))
    return bytearray(bitmap(stored, 40, 40, 8, palette=palette))


def test_a_bitmap_may_leave_the_number_of_its_colors_out():
    image_bytes = palette_bitmap()
    told = decode(bytes(image_bytes))
    image_bytes[46:50] = bytes(4)
    assert told.std() > 1
    np.testing.assert_array_equal(decode(bytes(image_bytes)), told)


@pytest.mark.parametrize(("bits", "colors"), [(8, 257), (4, 17), (1, 3)])
def test_a_bitmap_that_claims_more_colors_than_its_bits_can_count_is_refused_by_both_readers(bits, colors):
    stored = np.random.default_rng(4).integers(0, 256, (40, 40), np.uint8).tobytes()
    image_bytes = bytearray(bitmap(stored, 40, 40, bits, palette=bytes(range(256)) * 4))
    image_bytes[46:50] = struct.pack("<I", colors)
    with pytest.raises(tf.errors.InvalidArgumentError, match="a BMP that is not decoded"):
        decode(bytes(image_bytes))
    with pytest.raises(headers.BadImage, match=f"claims a palette of {colors} colors"):
        headers.read_header(bytes(image_bytes))


def test_a_bitmap_whose_pixels_lie_over_its_palette_is_refused():
    image_bytes = palette_bitmap()
    image_bytes[10:14] = struct.pack("<I", 50)
    with pytest.raises(tf.errors.InvalidArgumentError, match="ends before its pixels do"):
        decode(bytes(image_bytes))
