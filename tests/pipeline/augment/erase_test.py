"""Random erasing: how often, which boxes, and noise that belongs to the example."""

import numpy as np
import pytest
import scipy.stats
import tensorflow as tf

from pipeline.augment.erase import EraseOptions, _noise
from pipeline.augment.operation import Examples
from pipeline.augment.options import AugmentOptions
from pipeline.decoding.pixel_format import PixelFormat
from pipeline.graph import make_finish
from tests.conftest import random_picture

ALWAYS = EraseOptions(1.0)
IDS = np.arange(20_000)


def planned(options: EraseOptions, ids: np.ndarray = IDS, seed: int = 1, epoch: int = 0) -> np.ndarray:
    """float64 [ids, 5]."""
    return options.plan(seed, epoch, ids, Examples(ids, ids, 24, 24))["erased"]


def sides(erased: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Heights and widths."""
    return erased[:, 1] - erased[:, 0], erased[:, 3] - erased[:, 2]


def erase(images: np.ndarray, erased: np.ndarray) -> np.ndarray:
    """`images` with these boxes erased."""
    pixel_format = PixelFormat.square(images.shape[1], images.shape[3], 8 * images.itemsize)
    finish = make_finish(AugmentOptions(erase=ALWAYS), pixel_format)
    return finish({"image": tf.constant(images), "erased": tf.constant(np.float32(erased))})["image"].numpy()


def plain(images: np.ndarray) -> np.ndarray:
    """`images` as float, by the same function."""
    pixel_format = PixelFormat.square(images.shape[1], images.shape[3], 8 * images.itemsize)
    return make_finish(AugmentOptions(), pixel_format)({"image": tf.constant(images)})["image"].numpy()


@pytest.mark.parametrize("probability", [0.2, 1.0])
def test_so_many_pictures_lose_a_box(probability):
    heights, widths = sides(planned(EraseOptions(probability)))
    assert ((heights > 0) == (widths > 0)).all()
    assert (heights > 0).mean() == pytest.approx(probability, abs=4 * np.sqrt(0.25 / len(IDS)))


def test_areas_aspects_and_places_are_those_of_the_paper():
    erased = planned(ALWAYS)
    heights, widths = sides(erased)
    assert erased[:, :4].min() >= 0
    assert erased[:, :4].max() <= 1
    whole = np.maximum(heights, widths) < 1 - 1e-9  # not shortened to the picture
    assert 0.9 < whole.mean() < 1
    area, aspect = (heights * widths)[whole], (heights / widths)[whole]
    assert (area >= 0.02 - 1e-9).all()
    assert (heights * widths <= 0.4 + 1e-9).all()
    assert 0.3 - 1e-9 <= aspect.min() < 0.31
    assert 3.2 < aspect.max() <= 1 / 0.3 + 1e-9
    small = area < 0.1  # of which none is shortened
    assert scipy.stats.kstest((area[small] - 0.02) / 0.08, "uniform").pvalue > 0.001
    logarithm = np.log(aspect[small]) / np.log(1 / 0.3)
    assert scipy.stats.kstest((logarithm + 1) / 2, "uniform").pvalue > 0.001
    for first, length in ((erased[:, 0], heights), (erased[:, 2], widths)):
        assert scipy.stats.kstest((first[whole] / (1 - length[whole])), "uniform").pvalue > 0.001


def test_what_is_drawn_belongs_to_the_example_and_the_epoch():
    erased, order = planned(EraseOptions(0.5)), np.random.default_rng(0).permutation(50)
    np.testing.assert_array_equal(planned(EraseOptions(0.5), order), erased[order])
    for other in (planned(EraseOptions(0.5), epoch=1), planned(EraseOptions(0.5), seed=2)):
        assert (other[:, 4] != erased[:, 4]).mean() > 0.999
    # A larger probability erases more pictures, and each in the same way.
    chosen = sides(erased)[0] > 0
    np.testing.assert_array_equal(planned(ALWAYS)[chosen], erased[chosen])


@pytest.mark.parametrize(("bits", "channels"), [(8, 3), (8, 1), (16, 1)])
def test_the_box_becomes_noise_and_nothing_else_changes(bits, channels):
    images = np.stack([random_picture(seed, 30, 30, channels, bits) for seed in range(12)])
    erased = planned(ALWAYS, IDS[:12])
    result, before = erase(images, erased), plain(images)
    middle = (np.arange(30) + 0.5) / 30
    for (top, bottom, left, right, _), one, other in zip(np.float32(erased), result, before, strict=True):
        inside = ((top <= middle) & (middle < bottom))[:, None] & ((left <= middle) & (middle < right))
        np.testing.assert_array_equal(one[~inside], other[~inside])
        assert (one[inside] != other[inside]).mean() > 0.95
        assert inside.sum() >= 10
    assert result.min() >= 0
    assert result.max() < 1 + 1e-9


def test_where_nothing_is_erased_every_bit_stays():
    images = np.stack([random_picture(seed, 30, 30) for seed in range(40)])
    erased = planned(EraseOptions(0.5), IDS[:40])
    untouched = sides(erased)[0] == 0
    assert 8 < untouched.sum() < 32
    np.testing.assert_array_equal(erase(images, erased)[untouched], plain(images)[untouched])


def test_noise_is_uniform_and_another_one_for_each_picture_place_and_channel():
    keys = tf.constant(np.float32(planned(ALWAYS, IDS[:16])[:, 4]))
    noise = tf.function(_noise, jit_compile=True, autograph=False)(keys, 60, 50, 3).numpy()
    assert noise.shape == (16, 60, 50, 3)
    for picture in noise:
        assert scipy.stats.kstest(picture.ravel(), "uniform").pvalue > 1e-4
    assert len(np.unique(noise)) > 0.95 * noise.size
    flat = noise.reshape(16, -1)
    shifted = [flat, np.roll(flat, 1, axis=1), np.roll(flat, 3, axis=1), np.roll(flat, 150, axis=1)]
    table = np.corrcoef(np.concatenate(shifted))
    np.fill_diagonal(table, 0)
    assert np.abs(table).max() < 5 / np.sqrt(flat.shape[1])


def test_noise_is_the_same_compiled_and_not():
    keys = tf.constant(np.float32([0.0, 0.25, 0.7]))
    compiled = tf.function(_noise, jit_compile=True, autograph=False)(keys, 8, 9, 3)
    np.testing.assert_array_equal(_noise(keys, 8, 9, 3), compiled)


def test_the_noise_of_a_key_never_changes():
    # It is part of what an old run computes when it is resumed or repeated.
    found = _noise(tf.constant(np.float32([0.25])), 1, 2, 1).numpy().ravel().tolist()
    assert found == [0.47464025020599365, 0.7462425827980042]
