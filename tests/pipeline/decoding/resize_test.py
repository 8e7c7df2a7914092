"""Pictures of any shape become the one that is wanted, by each way and at every orientation."""

import functools
import io

import numpy as np
import pytest
import tensorflow as tf
from PIL import Image, ImageOps

from pipeline.decoding.decode import decode_image
from pipeline.decoding.pixel_format import RESIZES, PixelFormat
from pipeline.decoding.resize import fit, jpeg_halvings
from tests.conftest import random_picture
from tests.helpers.pictures import STRING, encode, levels_apart, oriented
from tests.helpers.shared_data import DATA

ORANGE = (255, 128, 0)
# Extremes, odd and even, that an index accepts.
SIZES = [(1, 1), (1, 400), (400, 1), (2, 3), (1000, 3), (3, 1000), (7, 8), (20, 30), (31, 30), (30, 45), (47, 20),
         (64, 64), (99, 200), (250, 131)]  # fmt: skip
WANTED = [(16, 16), (20, 30), (33, 9)]


@functools.cache
def decoder(pixel_format: PixelFormat):
    return tf.function(lambda image_bytes: decode_image(image_bytes, pixel_format), input_signature=STRING)


def decoded(image_bytes: bytes, pixel_format: PixelFormat) -> np.ndarray:
    return decoder(pixel_format)(image_bytes).numpy()


def overlaps(side: int, wanted: int) -> np.ndarray:
    """[wanted, side]: which share of each new pixel is of each old one."""
    new, old = np.arange(wanted)[:, None] * side / wanted, np.arange(side)
    shared = np.minimum(new + side / wanted, old + 1) - np.maximum(new, old)
    return np.maximum(shared, 0) / (side / wanted)


def averaged(pixels: np.ndarray, height: int, width: int) -> np.ndarray:
    """Of the area of each new pixel, in float64."""
    return np.einsum("ih,hwc,jw->ijc", overlaps(pixels.shape[0], height), pixels, overlaps(pixels.shape[1], width))


def rounded(value: float) -> int:
    return max(1, int(np.floor(value + 0.5)))


def by_hand(pixels: np.ndarray, height: int, width: int, resize: str, background=0) -> np.ndarray:
    """float64 [height, width, channels]: what an upright picture is to become."""
    rows, columns = pixels.shape[:2]
    if resize == "squash":
        return averaged(pixels, height, width)
    if resize == "crop":
        kept = (
            (rows, rounded(rows * width / height))
            if rows * width <= columns * height
            else (rounded(columns * height / width), columns)
        )
        top, left = (rows - kept[0]) // 2, (columns - kept[1]) // 2
        return averaged(pixels[top : top + kept[0], left : left + kept[1]], height, width)
    scale = min(height / rows, width / columns)
    inner = [
        height if rows * width >= columns * height else rounded(rows * scale),
        width if columns * height >= rows * width else rounded(columns * scale),
    ]
    framed = np.empty((height, width, pixels.shape[2]))
    framed[:] = background
    top, left = (height - inner[0]) // 2, (width - inner[1]) // 2
    framed[top : top + inner[0], left : left + inner[1]] = averaged(pixels, *inner)
    return framed


@pytest.mark.parametrize("resize", RESIZES)
@pytest.mark.parametrize(("wanted", "channels", "bits"), [*((one, 3, 8) for one in WANTED), ((20, 30), 1, 16)])
def test_every_size_becomes_what_arithmetic_says(resize, wanted, channels, bits):
    pixel_format = PixelFormat(*wanted, channels, bits, background=ORANGE, resize=resize)
    unit = 257 if bits == 16 else 1
    background = np.multiply(ORANGE, unit) if channels == 3 else round(unit * (0.299 * 255 + 0.587 * 128))
    for seed, size in enumerate(SIZES):
        pixels = random_picture(seed, *size, channels, bits)
        found = decoded(encode(pixels[..., 0] if channels == 1 else pixels, "PNG"), pixel_format)
        expected = by_hand(pixels, *wanted, resize, background)
        assert (found.shape, found.dtype) == (pixel_format.shape, pixel_format.dtype)
        # Rounded to whole levels, from float32 sums.
        assert np.abs(found - expected).max() <= (0.501 if bits == 8 else 2), size


@pytest.mark.parametrize("resize", RESIZES)
def test_a_picture_of_the_size_wanted_is_left_as_it_is(resize):
    for height, width in WANTED:
        pixels = random_picture(3, height, width)
        pixel_format = PixelFormat(height, width, background=ORANGE, resize=resize)
        np.testing.assert_array_equal(decoded(encode(pixels, "PNG"), pixel_format), pixels)


@pytest.mark.parametrize("resize", ["crop", "pad"])
@pytest.mark.parametrize("size", [(40, 60), (10, 15), (200, 300)])
def test_a_picture_of_the_proportions_wanted_is_squashed_by_neither(resize, size):
    image_bytes = encode(random_picture(5, *size), "PNG")
    squashed, kept = (PixelFormat(20, 30, background=ORANGE, resize=way) for way in ("squash", resize))
    np.testing.assert_array_equal(decoded(image_bytes, kept), decoded(image_bytes, squashed))


def test_what_is_cut_away_is_seen_nowhere():
    pixels = random_picture(7, 30, 90)
    other = pixels.copy()
    other[:, :30], other[:, 60:] = 255 - pixels[:, :30], 0
    one, two = (
        decoded(encode(part, "PNG"), PixelFormat.square(16, background=ORANGE, resize="crop"))
        for part in (pixels, other)
    )
    np.testing.assert_array_equal(one, two)
    np.testing.assert_array_equal(
        one, decoded(encode(pixels[:, 30:60], "PNG"), PixelFormat.square(16, background=ORANGE))
    )


@pytest.mark.parametrize("resize", RESIZES)
@pytest.mark.parametrize("wanted", WANTED)
@pytest.mark.parametrize("size", [(40, 61), (61, 40), (30, 30), (25, 90), (5, 90), (1, 40)])
def test_every_orientation_is_resized_as_if_it_had_been_turned_first(resize, wanted, size):
    pixel_format = PixelFormat(*wanted, background=ORANGE, resize=resize)
    plain = encode(random_picture(11, *size), "JPEG", quality=95, subsampling=0)
    for orientation in range(1, 9):
        image_bytes = oriented(plain, orientation)
        upright = np.asarray(ImageOps.exif_transpose(Image.open(io.BytesIO(image_bytes))))
        assert upright.shape[:2] == (size if orientation < 5 else size[::-1])
        found = decoded(image_bytes, pixel_format)
        assert np.abs(found - by_hand(upright, *wanted, resize, ORANGE)).max() <= 0.501, orientation


@pytest.mark.parametrize(
    ("resize", "sides", "wanted", "halvings"),
    [
        ("crop", (600, 672), (100, 100), 1),  # the middle 600 x 600 count
        ("crop", (598, 672), (100, 100), 0),
        ("crop", (600, 6000), (100, 100), 1),
        ("crop", (6000, 600), (100, 100), 1),
        ("crop", (601, 900), (100, 100), 0),  # a sixth of a pixel would shift, as with squash
        ("crop", (600, 1200), (50, 100), 2),
        ("crop", (2400, 9999), (100, 100), 3),
        ("pad", (600, 60), (100, 100), 1),  # 60 become 10
        ("pad", (598, 60), (100, 100), 0),
        ("pad", (60, 600), (100, 100), 1),
        ("pad", (1200, 600), (100, 100), 2),
        ("pad", (600, 600), (100, 400), 1),
        ("pad", (1000, 3), (100, 100), 0),  # of three rows none may go
        ("squash", (1200, 300), (100, 50), 1),
        ("squash", (1200, 300), (50, 100), 0),
    ],
)
def test_a_jpeg_is_halved_by_what_of_it_is_used(resize, sides, wanted, halvings):
    assert jpeg_halvings(sides, wanted, PixelFormat(*wanted, resize=resize)).numpy() == halvings


@pytest.mark.parametrize("orientation", [1, 6])
@pytest.mark.parametrize("resize", RESIZES)
def test_decoding_at_a_fraction_of_the_size_cannot_be_seen(resize, orientation):
    files = sorted((DATA / "catdog_data/train").glob("*/*"))[::200]
    if not files:
        pytest.skip(f"no photos at {DATA / 'catdog_data'}")
    pixel_format, apart = PixelFormat(20, 30, background=ORANGE, resize=resize), []
    for path in files:
        image_bytes = oriented(path.read_bytes(), orientation)
        upright = np.asarray(ImageOps.exif_transpose(Image.open(io.BytesIO(image_bytes))).convert("RGB"))
        apart.append(levels_apart(decoded(image_bytes, pixel_format), decoded(encode(upright, "PNG"), pixel_format)))
    halved = np.concatenate([one.ravel() for one in apart if one.max() > 1])
    # What is cut lies up to half a decoded pixel off, which is a sixth of one wanted.
    mean, most = (1.5, 20) if resize == "crop" else (1, 12)
    assert halved.mean() < mean
    assert np.percentile(halved, 99.9) <= most


@pytest.mark.parametrize("bits", [8, 16])
def test_a_frame_has_the_color_that_is_asked_for(bits):
    color, gray = (PixelFormat.square(16, channels, bits, background=ORANGE, resize="pad") for channels in (3, 1))
    image_bytes = encode(np.zeros((4, 16, 3), np.uint8), "PNG")
    unit = 257 if bits == 16 else 1
    found = decoded(image_bytes, color)
    assert (found[:6] == np.multiply(ORANGE, unit)).all()
    assert (found[10:] == np.multiply(ORANGE, unit)).all()
    assert not found[6:10].any()
    # What a wholly transparent picture becomes is the background too.
    nothing = encode(np.zeros((16, 16, 4), np.uint8), "PNG")
    np.testing.assert_array_equal(decoded(image_bytes, gray)[:6], decoded(nothing, gray)[:6])
    np.testing.assert_array_equal(found[:6], decoded(nothing, color)[:6])


def test_bits_of_squashed_squares_are_what_tensorflow_alone_gives():
    """What packs of earlier versions hold stays what this one would make."""
    for seed, size in enumerate(SIZES):
        pixels = random_picture(seed, *size)
        expected = tf.cast(tf.round(tf.image.resize(pixels, [16, 16], method="area")), tf.uint8)
        np.testing.assert_array_equal(fit(tf.constant(pixels), None, PixelFormat.square(16)), expected)
    assert PixelFormat.square(16).stored == (16, 3, 8, (255, 255, 255))
    others = {
        PixelFormat(16, 17).stored,
        PixelFormat(17, 16).stored,
        *(PixelFormat.square(16, resize=way).stored for way in RESIZES),
    }
    assert len(others) == 5
