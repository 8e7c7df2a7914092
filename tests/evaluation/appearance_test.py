"""Brightness and sharpness against scipy and Pillow, and what blurring and darkening do to them."""

import numpy as np
import pytest
from PIL import Image
from scipy import ndimage

from evaluation.appearance import SIDE, brightness_and_sharpness


def pictures(seed: int, count: int = 5, height: int = 64, width: int = 64, channels: int = 3) -> np.ndarray:
    """uint8, soft shapes with some noise."""
    generator = np.random.default_rng(seed)
    noise = generator.normal(size=(count, height, width, channels))
    soft = ndimage.gaussian_filter(noise, (0, 3, 3, 0))
    return np.clip(128 + 60 * soft / soft.std() + 6 * noise, 0, 255).astype(np.uint8)


@pytest.mark.parametrize(("height", "width"), [(64, 64), (20, 41)])
def test_at_their_own_size_they_are_what_scipy_and_pillow_have(height, width):
    images = pictures(1, height=height, width=width)
    lumas = [np.asarray(Image.fromarray(image).convert("L"), np.float64) / 255 for image in images]
    measured = brightness_and_sharpness(images, 255)
    assert measured.shape == (5, 2)
    np.testing.assert_allclose(measured[:, 0], [luma.mean() for luma in lumas], atol=0.003)
    exact = images @ np.array([0.299, 0.587, 0.114]) / 255
    np.testing.assert_allclose(measured[:, 0], exact.mean(axis=(1, 2)), rtol=1e-5)
    expected = [ndimage.laplace(luma)[1:-1, 1:-1].var() for luma in exact]
    np.testing.assert_allclose(measured[:, 1], expected, rtol=1e-3)


def test_a_larger_picture_is_measured_after_averaging():
    small = pictures(2, height=SIDE, width=SIDE)
    large = small.repeat(3, axis=1).repeat(2, axis=2)
    np.testing.assert_allclose(brightness_and_sharpness(large, 255), brightness_and_sharpness(small, 255), rtol=1e-4)
    odd = pictures(3, count=1, height=70, width=67)
    luma = odd[0] @ np.array([0.299, 0.587, 0.114]) / 255
    fine = luma.repeat(SIDE, axis=0).repeat(SIDE, axis=1)  # of which each average holds whole pixels
    averages = fine.reshape(SIDE, 70, SIDE, 67).mean(axis=(1, 3))
    expected = ndimage.laplace(averages)[1:-1, 1:-1].var()
    assert brightness_and_sharpness(odd, 255)[0, 1] == pytest.approx(expected, rel=1e-3)


def test_blur_lowers_sharpness_alone_and_darkness_brightness():
    images = pictures(4, height=96, width=96)
    blurred = ndimage.gaussian_filter(images.astype(float), (0, 2, 2, 0)).astype(np.uint8)
    before, after = (brightness_and_sharpness(one, 255) for one in (images, blurred))
    assert (after[:, 1] < 0.3 * before[:, 1]).all()
    np.testing.assert_allclose(after[:, 0], before[:, 0], atol=0.02)
    dark = brightness_and_sharpness(images // 4, 255)
    np.testing.assert_allclose(dark[:, 0], before[:, 0] / 4, atol=0.01)


def test_a_blank_picture_has_no_sharpness_and_full_scale_is_white():
    blank = np.full((2, 30, 30, 1), 4095, np.uint16)
    blank[1] = 9000  # beyond
    np.testing.assert_allclose(brightness_and_sharpness(blank, 4095), [[1, 0], [1, 0]], atol=1e-9)
    half = np.full((1, 30, 30, 1), 2048, np.uint16)
    assert brightness_and_sharpness(half, 4095)[0, 0] == pytest.approx(0.5, abs=1e-3)


def test_each_picture_is_measured_by_itself():
    images = pictures(5, count=130, height=16, width=12)
    whole = brightness_and_sharpness(images, 255)
    assert len({tuple(row) for row in whole.tolist()}) == 130
    alone = np.concatenate([brightness_and_sharpness(image[None], 255) for image in images])
    np.testing.assert_allclose(whole, alone, rtol=1e-4)
    assert brightness_and_sharpness(images[:0], 255).shape == (0, 2)
