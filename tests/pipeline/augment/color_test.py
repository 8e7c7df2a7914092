"""What happens to pixel values: brightness, contrast, the full scale."""

import itertools

import numpy as np
import pytest
import tensorflow as tf

from pipeline.augment.color import ColorOptions
from pipeline.augment.draws import draw
from pipeline.augment.mean import mean_luma
from pipeline.augment.options import AugmentOptions
from pipeline.augment.scale import to_float
from pipeline.augment.warp import WarpOptions
from pipeline.decoding.pixel_format import LUMA
from tests.pipeline.augment.warp_test import IDS, KNOBS, SIZE, augment, identity, matrices, pictures, planned, run


@pytest.mark.parametrize("bits", [8, 16])
def test_brightness_and_contrast_equal_a_recomputation(bits):
    options = AugmentOptions(color=ColorOptions(brightness_fraction=0.6, contrast_fraction=0.5))
    full_scale = 2**bits - 1
    images = pictures(bits=bits)
    brightness, contrast = (2 * draw(5, 1, IDS, ["brightness", "contrast"]) - 1).T[..., None, None, None]
    values = images.astype(np.float64) / full_scale
    mean = (values @ LUMA)[:, ::4].mean(axis=(1, 2))[:, None, None, None]
    expected = np.clip((values - mean) * (1 + 0.5 * contrast) + mean + 0.6 * brightness, 0, 1)
    result = augment(options, images, full_scale, **planned(options, SIZE, 5, 1, IDS))
    assert np.abs(result - expected).max() < 1e-6
    assert (expected == 0).any()
    assert (expected == 1).any()


@pytest.mark.parametrize(("bits", "full_scale"), [(8, 255), (16, 65535), (16, 4095)])
@pytest.mark.parametrize("channels", [1, 3])
def test_a_mean_is_that_of_the_luma_whether_the_picture_is_stored_or_float(bits, full_scale, channels):
    images = pictures(bits=bits, channels=channels, width=SIZE + 7)
    values = np.minimum(images, full_scale) / full_scale
    luma = values @ LUMA if channels == 3 else values[..., 0]
    for given, row_step in itertools.product((images, np.float32(values)), (1, 3)):
        found = mean_luma(tf.constant(given), full_scale, row_step)
        assert found.shape == (len(IDS), 1, 1, 1)
        np.testing.assert_allclose(found[:, 0, 0, 0], luma[:, ::row_step].mean(axis=(1, 2)), atol=1e-5)


def test_contrast_leaves_a_dark_picture_visible():
    dark = pictures() // 8
    plan = {"warp": identity(len(IDS)), "color": np.tile(np.float32([2, 0, -1]), (len(IDS), 1))}
    result = augment(AugmentOptions(WarpOptions(1.0), ColorOptions(0.0, 1.0)), dark, **plan)
    assert np.abs(result.mean(axis=(1, 2, 3)) - dark.mean(axis=(1, 2, 3)) / 255).max() < 0.01
    assert (result == 0).mean() < 0.3


def test_values_above_full_scale_become_one():
    images = pictures(4, bits=16)
    plain = to_float(tf.constant(images), 4095).numpy()
    np.testing.assert_array_equal(run(images, identity(4), 4095), plain)
    assert plain.max() == 1
    assert (plain == 1).mean() > 0.5


@pytest.mark.parametrize("bits", [8, 16])
def test_colors_that_change_nothing_leave_the_warped_pixels(bits):
    images, warp = pictures(bits=bits), matrices(KNOBS["all"], SIZE, 3, 2)
    unchanged = np.tile(np.float32([1, 0, 0]), (len(IDS), 1))
    both = augment(AugmentOptions(WarpOptions(1.0), ColorOptions(0.1)), images, 2**bits - 1, warp=warp, color=unchanged)
    np.testing.assert_allclose(both, run(images, warp, 2**bits - 1), rtol=1e-6)


def test_values_are_limited_before_they_are_interpolated():
    # As evaluation does it: an outlier of 60000 beside a 0 is worth no more than the full scale there.
    images, warp = pictures(bits=16), matrices(KNOBS["all"], SIZE, 3, 2)
    limited = run(np.minimum(images, 30000), warp, 30000)
    np.testing.assert_array_equal(run(images, warp, 30000), limited)
    assert 0 < limited.mean() < 1
