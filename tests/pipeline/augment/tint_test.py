"""Saturation and hue: against Pillow, and what they leave alone."""

import numpy as np
import tensorflow as tf
from PIL import Image, ImageEnhance

from pipeline.augment.draws import draw
from pipeline.augment.operation import Examples
from pipeline.augment.options import AugmentOptions
from pipeline.augment.tint import TintOptions
from pipeline.decoding.pixel_format import LUMA, PixelFormat
from pipeline.graph import make_finish
from tests.conftest import random_picture

IDS = np.arange(100, 124)
PICTURES = np.stack([random_picture(seed, 24, 31) for seed in range(len(IDS))])


def planned(options: TintOptions, seed: int = 5, epoch: int = 1, ids: np.ndarray = IDS) -> np.ndarray:
    """float32 [ids, 9]."""
    return np.float32(options.plan(seed, epoch, ids, Examples(ids, ids, 24, 24))["tint"])


def tinted(options: TintOptions, images: np.ndarray, full_scale: int = 255) -> np.ndarray:
    """`images` as the examples IDS."""
    pixel_format = PixelFormat.square(24, images.shape[3], 8 * images.itemsize, full_scale)
    finish = make_finish(AugmentOptions(tint=options), pixel_format)
    return finish({"image": tf.constant(images), "tint": tf.constant(planned(options))})["image"].numpy()


def test_saturation_is_scaled_as_pillow_does():
    factors = 1 + 0.8 * (2 * draw(5, 1, IDS, ["saturation"])[:, 0] - 1)
    assert factors.min() < 0.4
    assert factors.max() > 1.6
    expected = [ImageEnhance.Color(Image.fromarray(picture)).enhance(factor)
                for picture, factor in zip(PICTURES, factors, strict=True)]  # fmt: skip
    difference = 255 * tinted(TintOptions(0.8), PICTURES) - np.stack(expected)
    assert np.abs(difference).max() < 2
    assert np.abs(np.stack(expected) - PICTURES).max() > 20


def test_hue_turns_about_gray_at_the_same_luma_and_saturation():
    # Pale colors, of which none is cut.
    pale = np.uint8(96 + PICTURES // 4)
    result = tinted(TintOptions(hue_degrees=90.0), pale).astype(np.float64)
    stored = pale / 255
    np.testing.assert_allclose(result @ LUMA, stored @ LUMA, atol=1e-5)
    to_color = np.array([(0.596, -0.274, -0.322), (0.211, -0.523, 0.312)]).T
    before, after = (values @ to_color @ [1, 1j] for values in (stored, result))
    angles = np.deg2rad(90 * (2 * draw(5, 1, IDS, ["hue"])[:, 0] - 1))
    np.testing.assert_allclose(after, before * np.exp(1j * angles)[:, None, None], atol=1e-5)
    assert np.abs(result - stored).max() > 0.05


def test_gray_stays_gray():
    options, gray = TintOptions(1.0, 180.0), PICTURES[..., :1]
    np.testing.assert_allclose(tinted(options, gray.repeat(3, axis=-1)), gray.repeat(3, axis=-1) / 255, atol=1e-5)
    np.testing.assert_array_equal(tinted(options, gray), np.float32(gray) * np.float32(1 / 255))


def test_sixteen_bits_are_tinted_as_finely_as_eight():
    options = TintOptions(0.5, 40.0)
    fine = PICTURES.astype(np.uint16) * 257
    assert np.abs(tinted(options, fine, 65_535) - tinted(options, PICTURES)).max() < 2e-6


def test_what_is_drawn_belongs_to_the_example_and_the_epoch():
    options, order = TintOptions(0.5, 40.0), np.random.default_rng(0).permutation(len(IDS))[:9]
    np.testing.assert_array_equal(planned(options, ids=IDS[order]), planned(options)[order])
    for other in (planned(options, epoch=2), planned(options, seed=6)):
        assert (np.abs(other - planned(options)).max(axis=1) > 1e-4).all()


def test_a_knob_leaves_the_draws_of_the_other():
    both, saturation = planned(TintOptions(0.5, 40.0)), planned(TintOptions(0.5))
    yiq = np.array([LUMA, (0.596, -0.274, -0.322), (0.211, -0.523, 0.312)])

    def scale(matrix):
        turned = yiq @ matrix.reshape(-1, 3, 3) @ np.linalg.inv(yiq)
        return np.hypot(turned[:, 1, 1], turned[:, 1, 2])

    np.testing.assert_allclose(scale(both), scale(saturation), atol=1e-5)
    assert np.abs(both - saturation).max() > 0.1
