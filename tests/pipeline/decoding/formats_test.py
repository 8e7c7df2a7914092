"""What each format has of its own: orientation, gray, first frames, bitmaps; against Pillow."""

import io
import struct
import zlib

import numpy as np
import pytest
import tensorflow as tf
from PIL import Image

from pipeline.decoding.decode import decode_image
from pipeline.decoding.orientation import apply_orientation
from pipeline.decoding.pixel_format import PixelFormat
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


def laid_on(image_bytes: bytes, background) -> np.ndarray:
    """Pillow's picture of the first frame, on `background`."""
    image = Image.open(io.BytesIO(image_bytes)).convert("RGBA")
    return np.asarray(Image.alpha_composite(Image.new("RGBA", image.size, (*background, 255)), image).convert("RGB"))


def see_through(mode: str) -> Image.Image:
    """A picture of which a part is transparent, one half and one not: what shows through is another on any ground."""
    alpha = np.tile(np.repeat(np.array([0, 128, 255], np.uint8), 32), (64, 1))
    image = Image.fromarray(np.dstack([picture(), alpha]), "RGBA")
    if mode != "P":
        return image.convert(mode)
    indexed = Image.fromarray(picture()).quantize(16)
    indexed.info["transparency"] = int(np.asarray(indexed)[5, 5])
    return indexed


@pytest.mark.parametrize("background", [(255, 255, 255), (0, 0, 0), (255, 128, 0)])
@pytest.mark.parametrize(
    ("format_name", "mode", "options"),
    [
        ("PNG", "RGBA", {}), ("PNG", "LA", {}), ("PNG", "P", {}), ("GIF", "P", {}),
        ("WEBP", "RGBA", {"lossless": True, "exact": True}), ("WEBP", "RGBA", {"quality": 90}),
    ],
)  # fmt: skip
def test_what_is_transparent_is_laid_on_the_background(format_name, mode, options, background):
    encoded = io.BytesIO()
    image = see_through(mode)
    if "transparency" in image.info:
        options = options | {"transparency": image.info["transparency"]}
    image.save(encoded, format_name, **options)
    expected = laid_on(encoded.getvalue(), background)
    if mode == "P":
        assert (expected == np.array(background)).all(axis=-1).any()
    for channels in (3, 1):
        pixel_format = PixelFormat.square(32, channels, background=background)
        found = decode_image(tf.constant(encoded.getvalue()), pixel_format).numpy()
        wanted = expected if channels == 3 else np.asarray(Image.fromarray(expected).convert("L"))
        assert levels_apart(found, averaged(np.ascontiguousarray(wanted))).max() <= 1


def test_an_animation_of_transparent_frames_shows_its_first():
    pixels = np.asarray(see_through("RGBA")).copy()
    pixels[..., 3] = pixels[..., 3].clip(40)  # of a side that nothing is seen of the encoder makes a smaller frame
    frames = [Image.fromarray(np.roll(pixels, 7 * number, 1), "RGBA") for number in range(3)]
    for options in ({"lossless": True}, {"quality": 90}):
        encoded = io.BytesIO()
        frames[0].save(encoded, "WEBP", save_all=True, append_images=frames[1:], **options)
        assert levels_apart(decode(encoded.getvalue()), averaged(laid_on(encoded.getvalue(), (255,) * 3))).max() <= 1


def test_sixteen_bits_and_a_transparent_gray_are_laid_out_too():
    gray = np.arange(64 * 96, dtype=np.uint16).reshape(64, 96) * 10
    encoded = io.BytesIO()
    Image.fromarray(gray.astype(np.uint8)).save(encoded, "PNG", transparency=int(gray.astype(np.uint8)[3, 7]))
    assert levels_apart(decode(encoded.getvalue()), averaged(laid_on(encoded.getvalue(), (255,) * 3))).max() <= 1
    deep = np.dstack([gray, gray, gray, np.full_like(gray, 65535 // 2)])
    found = decode_image(tf.io.encode_png(deep), PixelFormat.square(32, 3, 16)).numpy()
    assert abs(found.astype(float) - averaged(np.ascontiguousarray(deep[..., :3])) / 2 - 32768).max() <= 2


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
