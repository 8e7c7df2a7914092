"""Every bit of the warp's interpolation, at every edge, for each kind of pixel."""

import types

import numpy as np
import pytest
import tensorflow as tf

from pipeline.augment.options import AUGMENT_PRESETS
from pipeline.augment.scale import limited
from pipeline.augment.warp import WarpOptions
from pipeline.decoding.pixel_format import IMAGE_SIZES
from tests.conftest import random_picture
from tests.pipeline.augment.warp_test import IDS, KNOBS, matrices

KINDS = [  # dtype, channels, full scale
    (np.uint8, 1, 255),
    (np.uint8, 3, 255),
    (np.uint8, 3, 100),
    (np.uint16, 1, 65535),
    (np.uint16, 3, 65535),
    (np.uint16, 3, 4095),
    (np.float32, 1, 255),
    (np.float32, 3, 255),
]
SHAPES = [(24, 37), (2, 2), (2, 9), (9, 2)]


def pictures(count: int, height: int, width: int, dtype: type, channels: int) -> np.ndarray:
    """[count, height, width, channels], floats in steps of 1/256."""
    bits = 16 if dtype == np.uint16 else 8
    stored = np.stack([random_picture(seed, height, width, channels, bits) for seed in range(count)])
    return stored.astype(np.float32) / 256 if dtype == np.float32 else stored


def apply(images: np.ndarray, warp: np.ndarray, full_scale: int = 255, compiled: bool = True) -> np.ndarray:
    """`images` warped, as XLA compiles it or op by op."""
    # A PixelFormat allows no sides as short and as long as these.
    pixel_format = types.SimpleNamespace(shape=images.shape[1:], full_scale=full_scale)

    def warped(batch):
        return WarpOptions(1.0).apply(batch, pixel_format)

    function = tf.function(warped, jit_compile=True, autograph=False) if compiled else warped
    return function({"image": tf.constant(images), "warp": tf.constant(np.float32(warp))})["image"].numpy()


def in_float64(images: np.ndarray, warp: np.ndarray, full_scale: int) -> np.ndarray:
    """Bilinear values in the units of `images`, from coordinates that are not rounded."""
    count, height, width, _ = images.shape
    entries = np.float64(np.float32(warp)).T[..., None, None]
    row, column = np.arange(height)[:, None], np.arange(width)
    y = np.clip(entries[0] * row + entries[1] * column + entries[2], 0, height - 1)
    x = np.clip(entries[3] * row + entries[4] * column + entries[5], 0, width - 1)
    top, left = (np.minimum(np.floor(at), size - 2).astype(int) for at, size in ((y, height), (x, width)))
    down, across = (y - top)[..., None], (x - left)[..., None]
    stored = np.float64(images if images.dtype == np.float32 else np.minimum(images, full_scale))
    above, below = (
        (1 - across) * stored[np.arange(count)[:, None, None], rows, left]
        + across * stored[np.arange(count)[:, None, None], rows, left + 1]
        for rows in (top, top + 1)
    )
    return (1 - down) * above + down * below


def by_four_gathers(images: tf.Tensor, warp: tf.Tensor, full_scale: int) -> tf.Tensor:
    """The plainest warp, in float32: a place of its own for each corner, each held inside the picture."""
    count, height, width, channels = images.shape
    row, column = tf.range(height, dtype=tf.float32)[:, None], tf.range(width, dtype=tf.float32)[None, :]
    entries = [warp[:, entry, None, None] for entry in range(6)]
    whole, rest = [], []
    for first, size in ((0, height), (3, width)):
        coordinate = entries[first] * row + entries[first + 1] * column + entries[first + 2]
        inside = tf.clip_by_value(coordinate, 0.0, size - 1.0)
        whole.append(tf.minimum(tf.floor(inside), size - 2.0))
        rest.append((inside - whole[-1])[..., None])
    place = tf.cast(whole[0], tf.int32) * width + tf.cast(whole[1], tf.int32)
    pixels = tf.reshape(images, [count, -1, channels])
    places = [tf.clip_by_value(place + step, 0, height * width - 1) for step in (0, 1, width, width + 1)]
    corners = [limited(tf.gather(pixels, at, batch_dims=1), full_scale) for at in places]
    above = corners[0] + (corners[1] - corners[0]) * rest[1]
    below = corners[2] + (corners[3] - corners[2]) * rest[1]
    warped = above + (below - above) * rest[0]
    return warped * (1.0 / full_scale) if images.dtype.is_integer else warped


def exact_matrices(count: int, height: int, width: int) -> np.ndarray:
    """In steps of 1/16: no coordinate and no product of it with a pixel is rounded, however it is compiled."""
    generator = np.random.default_rng(4)
    warp = generator.integers(-32, 33, (count, 6)) / 16
    warp[:, 2] = generator.integers(-16 * height, 32 * height, count) / 16
    warp[:, 5] = generator.integers(-16 * width, 32 * width, count) / 16
    warp[0] = 1, 0, 0, 0, 1, 0  # the last row and column are met exactly
    warp[1] = 1, 0, 1, 0, 1, 1
    warp[2] = 1, 0, 1 / 16, 0, 1, -1 / 16  # and passed by a little
    warp[3] = -1, 0, height - 1, 0, -1, width - 1
    warp[4] = 0, 0, height - 1 - 1 / 16, 0, 1, 0  # between the last two
    warp[5] = 1, 0, 0, 0, 0, width - 1 - 1 / 16
    warp[6] = 0, 0, 1e30, 0, 0, -1e30
    warp[7] = 3e38, 0, 0, 0, -3e38, 0
    warp[8] = -0.0, -0.0, -0.0, -0.0, -0.0, -0.0
    return warp


@pytest.mark.parametrize(("height", "width"), SHAPES)
@pytest.mark.parametrize(("dtype", "channels", "full_scale"), KINDS)
@pytest.mark.parametrize("compiled", [True, False], ids=["compiled", "eager"])
def test_every_bit_is_right_where_nothing_is_rounded(dtype, channels, full_scale, height, width, compiled):
    images, warp = pictures(40, height, width, dtype, channels), exact_matrices(40, height, width)
    exact = in_float64(images, warp, full_scale)
    expected = np.float32(exact)
    np.testing.assert_array_equal(np.float64(expected), exact)
    if dtype != np.float32:
        expected = expected * np.float32(1.0 / full_scale)
    np.testing.assert_array_equal(apply(images, warp, full_scale, compiled), expected, strict=True)


@pytest.mark.parametrize(("dtype", "channels", "full_scale"), KINDS)
def test_it_gives_the_bits_of_four_bounded_gathers(dtype, channels, full_scale):
    # Op by op: compiled, both are rounded as the compiler fuses multiplications and additions.
    generator, images = np.random.default_rng(2), pictures(len(IDS), 40, 40, dtype, channels)
    wild = np.concatenate([generator.normal(0, 1.5, (len(IDS), 6)), generator.normal(0, 1e20, (len(IDS), 6))])
    wild[:, [2, 5]] += generator.uniform(-40, 80, (2 * len(IDS), 2))
    options = [KNOBS["all"], AUGMENT_PRESETS["report"].warp, AUGMENT_PRESETS["strong"].warp]
    planned = [matrices(option, 40, 3, epoch) for option in options for epoch in range(3)]
    for warp in [*planned, wild[: len(IDS)], wild[len(IDS) :]]:
        expected = by_four_gathers(tf.constant(images), tf.constant(np.float32(warp)), full_scale)
        np.testing.assert_array_equal(apply(images, warp, full_scale, compiled=False), expected, strict=True)


@pytest.mark.parametrize("size", [40, 100])
@pytest.mark.parametrize(("dtype", "channels", "full_scale"), KINDS)
def test_coordinates_close_to_whole_numbers_read_the_right_neighbours(dtype, channels, full_scale, size):
    # Fractions of one denominator meet whole numbers everywhere, in float32 only almost. A place and a weight that come
    # from coordinates rounded differently mix in a pixel that lies elsewhere.
    generator = np.random.default_rng(5)
    images, parts = pictures(64, size, size, dtype, channels), generator.integers(3, 40, (64, 2)).repeat(3, axis=1)
    warp = generator.integers(-20, 21, (64, 6)) / parts
    warp[:, [2, 5]] += generator.integers(0, size, (64, 2))
    expected = in_float64(images, warp, full_scale)
    result = apply(images, warp, full_scale) * (1 if dtype == np.float32 else full_scale)
    assert np.abs(result - expected).max() < 1e-4 * (1 if dtype == np.float32 else full_scale)


@pytest.mark.parametrize("compiled", [True, False], ids=["compiled", "eager"])
@pytest.mark.parametrize("channels", [1, 3])
def test_coordinates_that_are_not_numbers_spoil_their_own_picture_only(channels, compiled):
    images, warp = pictures(4, 24, 37, np.uint8, channels), exact_matrices(40, 24, 37)[:4]
    expected = apply(images, warp, compiled=compiled)
    warp[1, 2], warp[2, 3] = np.nan, np.inf
    spoiled = apply(images, warp, compiled=compiled)
    np.testing.assert_array_equal(spoiled[[0, 3]], expected[[0, 3]])
    assert np.isnan(spoiled[1]).all()


def test_the_largest_pictures_are_read_at_their_last_pixels():
    images = pictures(1, 2048, 4096, np.uint8, 1).repeat(2, axis=0)
    warp = np.array([[1, 0, 0, 0, 1, 0.5], [-1, 0, 2047, 0, -1, 4095]])
    expected = np.float32(in_float64(images, warp, 255)) * np.float32(1 / 255)
    np.testing.assert_array_equal(apply(images, warp), expected, strict=True)


def test_a_picture_too_large_or_too_thin_for_its_places_is_refused():
    assert 2 <= IMAGE_SIZES[0] <= IMAGE_SIZES[1] <= 2048
    for shape in [(1, 2048, 4097, 1), (1, 1, 8, 3), (1, 8, 1, 3)]:
        with pytest.raises(AssertionError, match=f"no warp for {shape[1]} x {shape[2]} pixels"):
            apply(np.zeros(shape, np.uint8), np.float32([[1, 0, 0, 0, 1, 0]]), compiled=False)
