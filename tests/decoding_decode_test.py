"""Decoded pixels against Pillow and OpenCV, verdicts on real odd files, and bytes that nobody has looked at before."""

import contextlib
import csv
import functools
import io
import os
import pathlib
import struct
import zlib

import cv2
import numpy as np
import pytest
import tensorflow as tf
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image, ImageOps

from decoding.decode import decode_image, jpeg_halvings
from decoding.options import PixelFormat
from decoding.orientation import apply_orientation, read_orientation
from sources import headers

DATA = pathlib.Path(os.environ.get("PENSTOCK_DATA", pathlib.Path(__file__).parents[1] / "../shared/data"))
ODD = DATA / "odd_images"
STRING = [tf.TensorSpec([], tf.string)]

# Decodable files that are refused, each with its reason.
REFUSED = {"wrong_extension/tiff_named.jpg": "TensorFlow has no TIFF decoder; the reason says TIFF and what to do"}


@functools.cache
def decoder(size: int, channels: int = 3, bit_depth: int = 8):
    pixel_format = PixelFormat(size, channels, bit_depth)
    return tf.function(lambda image_bytes: decode_image(image_bytes, pixel_format), input_signature=STRING)


def decode(image_bytes: bytes, size: int = 32, channels: int = 3, bit_depth: int = 8) -> np.ndarray:
    return decoder(size, channels, bit_depth)(image_bytes).numpy()


graph_orientation = tf.function(read_orientation, input_signature=STRING, autograph=False)


def with_pillow(image_bytes: bytes, mode: str = "RGB") -> np.ndarray:
    image = ImageOps.exif_transpose(Image.open(io.BytesIO(image_bytes)))
    if image.mode.startswith("I;16"):  # Pillow would clip instead of keeping the high byte
        image = Image.fromarray((np.asarray(image) >> 8).astype(np.uint8))
    return np.asarray(image.convert(mode))


def averaged(image: np.ndarray, size: int = 32) -> np.ndarray:
    return cv2.resize(image, (size, size), interpolation=cv2.INTER_AREA)


def levels_apart(one: np.ndarray, other: np.ndarray) -> np.ndarray:
    return np.abs(one.reshape(other.shape).astype(np.int64) - other)


def picture(size: tuple[int, int] = (96, 64), channels: int = 3) -> np.ndarray:
    """[height, width, channels] uint8: smooth, coloured, different in every corner."""
    y, x = np.mgrid[: size[1], : size[0]]
    waves = [128 + 100 * np.sin((x + 1) / (7 + 3 * c) + y / 11) * np.cos(y / (9 + c)) for c in range(channels)]
    return np.stack(waves, -1).clip(0, 255).astype(np.uint8)


def encode(pixels: np.ndarray, format_name: str, mode: str | None = None, **options) -> bytes:
    image = Image.fromarray(pixels)
    encoded = io.BytesIO()
    (image.convert(mode) if mode else image).save(encoded, format_name, **options)
    return encoded.getvalue()


def oriented(image_bytes: bytes, orientation: int) -> bytes:
    exif = Image.Exif()
    exif[0x0112] = orientation
    encoded = io.BytesIO()
    Image.open(io.BytesIO(image_bytes)).save(encoded, "JPEG", exif=exif, quality=95)
    return encoded.getvalue()


def verdict(image_bytes: bytes) -> tuple[str, np.ndarray | None]:
    try:
        headers.read_header(image_bytes)
        return "decode", decode(image_bytes)
    except (headers.BadImage, tf.errors.InvalidArgumentError):
        return "reject", None


def odd_images() -> list:
    if not ODD.is_dir():
        return [pytest.param({}, marks=pytest.mark.skip(reason=f"no pictures at {ODD}"))]
    return [pytest.param(row, id=row["file"]) for row in csv.DictReader((ODD / "manifest.csv").open())]


@pytest.mark.parametrize("row", odd_images())
def test_odd_image(row):
    image_bytes = (ODD / row["file"]).read_bytes()
    found, pixels = verdict(image_bytes)
    if row["firm"] == "yes":
        expected = "reject" if row["file"] in REFUSED else row["expected"].split("-")[0]
        assert found == expected
    if image_bytes.startswith(b"\xff\xd8\xff"):
        assert graph_orientation(image_bytes).numpy() == headers.read_orientation(image_bytes)
    if pixels is not None and row["firm"] == "yes":
        check_against_pillow(image_bytes)


def check_against_pillow(image_bytes: bytes):
    reference = with_pillow(image_bytes)
    longest, shortest = max(reference.shape[:2]), min(reference.shape[:2])
    # Large enough that a JPEG is decoded at its full size: what a fraction of it changes has a test of its own.
    size = 32 if longest < 192 else 128 if longest < 768 else 320
    if shortest >= size:  # on an up-scale OpenCV interpolates, this averages
        # Pillow's way from CMYK to RGB rounds by itself.
        tolerance = 2 if Image.open(io.BytesIO(image_bytes)).mode == "CMYK" else 1
        assert levels_apart(decode(image_bytes, size), averaged(reference, size)).max() <= tolerance


@pytest.mark.parametrize(("channels", "bit_depth"), [(3, 8), (1, 16)])
def test_eager_equals_graph_and_the_shape_is_static(channels, bit_depth):
    image_bytes = oriented(encode(picture(), "JPEG"), 6)
    pixel_format = PixelFormat(32, channels, bit_depth)
    in_graph = decoder(32, channels, bit_depth)
    np.testing.assert_array_equal(decode_image(tf.constant(image_bytes), pixel_format), in_graph(image_bytes))
    assert in_graph.get_concrete_function().output_shapes == pixel_format.shape
    data = tf.data.Dataset.from_tensors(image_bytes).map(lambda one: decode_image(one, pixel_format))
    assert data.element_spec == tf.TensorSpec(pixel_format.shape, tf.as_dtype(pixel_format.dtype))
    np.testing.assert_array_equal(next(iter(data)), in_graph(image_bytes))


def test_a_batch_by_map_fn():
    batch = [encode(picture(), name) for name in ("JPEG", "PNG", "GIF", "BMP", "WEBP")]
    spec = tf.TensorSpec((32, 32, 3), tf.uint8)
    pixel_format = PixelFormat(32)
    batched = tf.function(lambda b: tf.map_fn(lambda one: decode_image(one, pixel_format), b, fn_output_signature=spec))
    for image_bytes, image in zip(batch, batched(tf.constant(batch)).numpy(), strict=True):
        assert levels_apart(image, averaged(with_pillow(image_bytes))).max() <= 1


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
def test_grey_is_luma(format_name, mode):
    image_bytes = encode(picture(), format_name, mode)
    assert levels_apart(decode(image_bytes, channels=1), averaged(with_pillow(image_bytes, "L"))).max() <= 1


def test_grey_of_a_colour_jpeg():
    image_bytes = encode(picture(), "JPEG", quality=95)
    assert levels_apart(decode(image_bytes, channels=1), averaged(with_pillow(image_bytes, "L"))).max() <= 1


def test_grey_ignores_a_stored_gamma():
    """libpng would mix the colours in linear light: far from the grey of the same pixels in another format."""
    png = encode(picture(), "PNG")
    gamma = struct.pack(">I4sI", 4, b"gAMA", 45455)
    gamma += struct.pack(">I", zlib.crc32(gamma[4:]))
    np.testing.assert_array_equal(decode(png[:33] + gamma + png[33:], channels=1), decode(png, channels=1))


@pytest.mark.parametrize("format_name", ["PNG", "BMP", "GIF", "WEBP", "JPEG"])
def test_eight_bits_become_sixteen_by_257(format_name):
    image_bytes = encode(np.full((40, 40, 3), 255, np.uint8), format_name)
    assert decode(image_bytes, bit_depth=16).min() == 65535
    image_bytes = encode(np.repeat(picture((32, 32))[..., :1], 3, -1), format_name)
    assert levels_apart(decode(image_bytes, bit_depth=16), decode(image_bytes).astype(np.int64) * 257).max() <= 129


def test_sixteen_bits_survive_in_real_depth():
    files = sorted((DATA / "depth_signs").glob("*/*.png"))[::100]
    if not files:
        pytest.skip(f"no depth pictures at {DATA / 'depth_signs'}")
    for path in files:
        stored = np.asarray(Image.open(path)).astype(np.uint16)
        deep = decode(path.read_bytes(), channels=1, bit_depth=16)
        assert levels_apart(deep, averaged(stored)).max() <= 1
        assert (deep > 255).any()
        assert (deep % 256 != 0).any()
        assert decode(path.read_bytes(), channels=1).max() <= stored.max() >> 8


def photos(step: int) -> list[bytes]:
    files = sorted((DATA / "catdog_data/train").glob("*/*"))[::step]
    if not files:
        pytest.skip(f"no photos at {DATA / 'catdog_data'}")
    return [path.read_bytes() for path in files]


def test_photos_equal_area_averaging():
    for image_bytes in photos(100):
        reference = with_pillow(image_bytes)
        if min(reference.shape[:2]) >= 128:
            assert levels_apart(decode(image_bytes, size=128), averaged(reference, 128)).max() <= 1


def test_decoding_at_a_fraction_of_the_size_cannot_be_seen():
    apart = [levels_apart(decode(b), averaged(with_pillow(b))).ravel() for b in photos(40)]
    apart = np.concatenate([one for one in apart if one.max() > 1])
    assert apart.mean() < 1
    assert np.percentile(apart, 99.9) <= 8


@pytest.mark.parametrize(
    ("height", "width", "side", "halvings"),
    [
        (600, 672, 100, 1),  # just three pixels for each one wanted, at half the size
        (598, 672, 100, 0),
        (672, 598, 100, 0),
        (601, 672, 100, 0),  # half of an uneven side: a sixth of a pixel would shift
        (1200, 1600, 100, 2),
        (2400, 3200, 100, 3),
        (9600, 9600, 100, 3),  # an eighth is the least there is
        (3203, 3203, 100, 2),  # one pixel added to a long side shifts less than 1/16, five shift more
        (80, 60, 100, 0),
    ],
)
def test_how_often_a_jpeg_is_halved(height, width, side, halvings):
    assert jpeg_halvings(tf.constant([height, width]), side).numpy() == halvings


def test_a_small_picture_is_enlarged_by_area():
    pixels = picture((16, 16))
    np.testing.assert_array_equal(decode(encode(pixels, "PNG")), pixels.repeat(2, 0).repeat(2, 1))


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


def resized_header(format_name: str, width: int, height: int) -> bytes:
    """A small file whose header claims another size."""
    encoded = bytearray(encode(picture(), format_name, **({"lossless": True} if format_name == "WEBP" else {})))
    if format_name == "JPEG":
        place = encoded.index(b"\xff\xc0")
        encoded[place + 5 : place + 9] = struct.pack(">HH", height, width)
    elif format_name == "PNG":
        encoded[16:24] = struct.pack(">II", width, height)
        encoded[29:33] = struct.pack(">I", zlib.crc32(encoded[12:29]))
    elif format_name == "GIF":
        place = encoded.index(b",\0\0\0\0", 13)
        encoded[6:10] = encoded[place + 5 : place + 9] = struct.pack("<HH", width, height)
    elif format_name == "BMP":
        encoded[18:26] = struct.pack("<ii", width, height)
    else:
        encoded[21:25] = struct.pack("<I", (width - 1) | (height - 1) << 14)
    return bytes(encoded)


@pytest.mark.parametrize("format_name", ["JPEG", "PNG", "GIF", "BMP", "WEBP"])
def test_a_claimed_size_is_refused_by_name_before_decoding(format_name):
    image_bytes = resized_header(format_name, 16000, 9000)
    with pytest.raises(tf.errors.InvalidArgumentError, match=r"16000.*9000.*from 1 to 100000000 pixels"):
        decode(image_bytes)
    with pytest.raises(headers.BadImage, match="16000 x 9000"):
        headers.read_header(image_bytes)


def test_a_cut_jpeg_is_refused():
    image_bytes = encode(picture(), "JPEG")
    for kept in (len(image_bytes) // 2, len(image_bytes) - 2):
        with pytest.raises(tf.errors.InvalidArgumentError):
            decode(image_bytes[:kept])


def exif_bytes() -> list[bytes]:
    plain = encode(picture(), "JPEG")
    comment = b"\xff\xfe\0\6note"
    tagged = oriented(plain, 6)
    tiff = b"II*\0" + struct.pack("<IHHHIHHI", 8, 1, 0x0112, 3, 1, 5, 0, 0)
    small = plain[:2] + b"\xff\xe1" + struct.pack(">H", 8 + len(tiff)) + b"Exif\0\0" + tiff + plain[2:]
    return [tagged, tagged[:2] + comment + tagged[2:], small]


@settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.data())
def test_orientation_of_damaged_bytes_is_the_same_in_the_graph(data):
    image_bytes = bytearray(data.draw(st.sampled_from(exif_bytes())))
    places = st.integers(2, 60)
    for place, value in data.draw(st.lists(st.tuples(places, st.integers(0, 255)), max_size=3)):
        image_bytes[place] = value
    cut = data.draw(st.one_of(st.just(len(image_bytes)), st.integers(0, 80)))
    image_bytes = bytes(image_bytes[:cut])
    assert graph_orientation(image_bytes).numpy() == headers.read_orientation(image_bytes)


SEEDS = [("JPEG", {}), ("PNG", {}), ("GIF", {}), ("BMP", {}), ("WEBP", {}), ("WEBP", {"lossless": True})]


@settings(max_examples=250, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.data())
def test_damaged_bytes_are_decoded_or_refused(data):
    """Neither reader may crash, or raise anything but its own refusal."""
    format_name, options = data.draw(st.sampled_from(SEEDS))
    image_bytes = bytearray(encode(picture((20, 14)), format_name, **options))
    place = st.one_of(st.integers(0, 60), st.integers(0, len(image_bytes) - 1))
    for where, value in data.draw(st.lists(st.tuples(place, st.integers(0, 255)), max_size=4)):
        image_bytes[min(where, len(image_bytes) - 1)] = value
    cut = data.draw(st.one_of(st.just(len(image_bytes)), st.integers(0, len(image_bytes))))
    image_bytes = bytes(image_bytes[:cut])
    found, pixels = verdict(image_bytes)
    assert found == "reject" or pixels.shape == (32, 32, 3)
    with contextlib.suppress(tf.errors.InvalidArgumentError):
        decode(image_bytes, channels=1, bit_depth=16)
    if image_bytes.startswith(b"\xff\xd8\xff"):
        assert graph_orientation(image_bytes).numpy() == headers.read_orientation(image_bytes)
