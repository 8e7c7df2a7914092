"""What happens to pixel values: brightness, contrast, the full scale."""

import numpy as np
import pytest
import tensorflow as tf

from pipeline.augment.draws import draw
from pipeline.augment.options import AugmentOptions
from pipeline.augment.warp import augment, make_transforms, to_float
from tests.pipeline.augment.warp_test import IDS, KNOBS, SIZE, identity, pictures, run


@pytest.mark.parametrize("bits", [8, 16])
def test_brightness_and_contrast_equal_a_recomputation(bits):
    options = AugmentOptions(brightness_fraction=0.6, contrast_fraction=0.5)
    full_scale = 2**bits - 1
    images = pictures(bits=bits)
    brightness, contrast = (2 * draw(5, 1, IDS, ["brightness", "contrast"]) - 1).T[..., None, None, None]
    values = images.astype(np.float64) / full_scale
    expected = np.clip((values - 0.5) * (1 + 0.5 * contrast) + 0.5 + 0.6 * brightness, 0, 1)
    result = run(images, make_transforms(options, SIZE, 5, 1, IDS), full_scale)
    assert np.abs(result - expected).max() < 1e-6
    assert (expected == 0).any()
    assert (expected == 1).any()


def test_values_above_full_scale_become_one():
    images = pictures(4, bits=16)
    plain = to_float(tf.constant(images), 4095).numpy()
    np.testing.assert_array_equal(run(images, identity(4), 4095), plain)
    assert plain.max() == 1
    assert (plain == 1).mean() > 0.5


@pytest.mark.parametrize("bits", [8, 16])
def test_without_colour_knobs_the_shorter_warp_gives_the_same_pixels(bits):
    images, transforms = pictures(bits=bits), make_transforms(KNOBS["all"], SIZE, 3, 2, IDS)
    short = augment(tf.constant(images), tf.constant(transforms), 2**bits - 1, recolor=False)
    np.testing.assert_allclose(short, run(images, transforms, 2**bits - 1), rtol=1e-6)


def test_values_are_limited_before_they_are_interpolated():
    # As evaluation does it: an outlier of 60000 beside a 0 is worth no more than the full scale there.
    images, transforms = pictures(bits=16), make_transforms(KNOBS["all"], SIZE, 3, 2, IDS)
    limited = run(np.minimum(images, 30000), transforms, 30000)
    np.testing.assert_array_equal(run(images, transforms, 30000), limited)
    assert 0 < limited.mean() < 1
