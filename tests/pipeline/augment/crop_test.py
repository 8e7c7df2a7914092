"""Random parts of pictures that are stored larger than what comes out, in the one bilinear warp."""

import dataclasses

import numpy as np
import pytest
import scipy.ndimage

from pipeline.augment.operation import Examples
from pipeline.augment.options import AugmentOptions
from pipeline.augment.warp import WarpOptions
from pipeline.decoding.pixel_format import PixelFormat
from pipeline.graph import make_finish
from tests.pipeline.augment.warp_test import IDS, KNOBS, pictures


def crops(
    ids: np.ndarray, stored: tuple[int, int], sides: tuple[int, int], epoch: int = 0, **knobs
) -> tuple[np.ndarray, np.ndarray]:
    """(first row and column, height and width) of the crops of examples, in stored pixels, as their matrices say."""
    warp = WarpOptions(**knobs).plan(1, epoch, ids, Examples(ids, ids, *sides, stored))["warp"].reshape(-1, 2, 3)
    assert not warp[:, [0, 1], [1, 0]].any()
    scale = warp[:, [0, 1], [0, 1]]
    return warp[:, :, 2] - 0.5 * scale + 0.5, scale * sides


@pytest.mark.parametrize(
    ("stored", "sides", "scale", "ratio"),
    [
        ((64, 64), (48, 48), (0.08, 1.0), None),
        ((64, 64), (64, 64), (0.5, 0.6), (1.0, 1.0)),
        ((60, 90), (40, 60), (0.2, 1.0), (0.5, 2.0)),
        ((60, 60), (40, 60), (0.01, 1.0), (0.1, 10.0)),
    ],
)
def test_crops_lie_inside_and_have_the_areas_and_proportions_that_are_asked_for(stored, sides, scale, ratio):
    start, size = crops(np.arange(4000), stored, sides, crop_scale=scale, crop_ratio=ratio)
    assert start.min() >= -1e-9
    assert (start + size <= np.add(stored, 1e-9)).all()
    low, high = ratio or (3 / 4, 4 / 3)
    proportions = size[:, 1] / size[:, 0] * sides[0] / sides[1]
    assert low - 1e-9 <= proportions.min() <= low * (high / low) ** 0.01
    assert high * (low / high) ** 0.01 <= proportions.max() <= high + 1e-9
    assert abs(np.log(proportions).mean() - np.log(low * high) / 2) < 0.05 * np.log(high / low) + 1e-9
    shapes, whole = proportions * sides[1] / sides[0], np.prod(stored)
    area, largest = size.prod(axis=1) / whole, np.minimum(stored[0], stored[1] / shapes) ** 2 * shapes / whole
    assert (area <= np.minimum(largest, scale[1]) + 1e-9).all()
    fits = largest >= scale[1]  # where any area of the range would: all are as likely
    if fits.any():
        expected = np.linspace(*scale, fits.sum())
        assert np.abs(np.sort(area[fits]) - expected).max() < 1.95 / np.sqrt(fits.sum()) * (scale[1] - scale[0]) + 1e-9
    room = np.subtract(stored, size)
    places = (start / np.where(room > 1e-6, room, np.nan))[(room > 1e-6).all(axis=1)]
    assert np.abs(places.mean(axis=0) - 0.5).max() < 0.03
    assert np.abs(np.corrcoef(places.T)[0, 1]) < 0.1


def test_another_epoch_and_another_example_have_another_crop():
    one, other = (crops(np.arange(50), (64, 64), (48, 48), epoch, crop_scale=(0.1, 0.9))[0] for epoch in (0, 1))
    assert (np.abs(one - other).max(axis=1) > 1e-3).all()
    assert len(np.unique(one[:, 0])) == 50


def stored_format(images: np.ndarray, sides: tuple[int, int]) -> PixelFormat:
    """That of what comes out of `images`."""
    return PixelFormat(*sides, images.shape[3], 8 * images.dtype.itemsize)


def test_a_whole_picture_of_twice_the_size_is_averaged_by_two_pixels_each_way():
    images, sides = pictures(6, 48, width=80), (24, 40)
    options, ids = WarpOptions(crop_scale=(1.0, 1.0), crop_ratio=(1.0, 1.0)), IDS[:6]
    warp = options.plan(1, 0, ids, Examples(ids, ids, *sides, images.shape[1:3]))["warp"].astype(np.float32)
    finish = make_finish(AugmentOptions(options), stored_format(images, sides))
    means = images.reshape(6, 24, 2, 40, 2, 3).mean(axis=(2, 4)) / 255
    np.testing.assert_allclose(finish({"image": images, "warp": warp})["image"], means, atol=1e-6)


@pytest.mark.parametrize("name", ["crop", "crop and all"])
def test_a_crop_shows_its_part_of_the_stored_picture_enlarged(name):
    """One bilinear pass from the stored pixels, with the other knobs in pixels of what comes out."""
    images, sides, ids = pictures(8, 40, width=52), (28, 36), IDS[:8]
    plain = WarpOptions() if name == "crop" else KNOBS["all"]
    cropped = dataclasses.replace(plain, crop_scale=(0.2, 0.8))
    examples = Examples(ids, ids, *sides, images.shape[1:3])
    start, size = crops(ids, images.shape[1:3], sides, crop_scale=(0.2, 0.8))
    inner = plain.plan(1, 0, ids, Examples(ids, ids, *sides))["warp"].reshape(-1, 2, 3)
    finish = make_finish(AugmentOptions(cropped), stored_format(images, sides))
    warp = cropped.plan(1, 0, ids, examples)["warp"].astype(np.float32)
    found = finish({"image": images, "warp": warp})["image"].numpy()
    row, column = np.mgrid[: sides[0], : sides[1]]
    for number, image in enumerate(images):
        at = np.einsum("ij,jrc->irc", inner[number], np.stack([row, column, np.ones(sides)]))
        part = size[number] / sides
        places = start[number][:, None, None] + (at + 0.5) * part[:, None, None] - 0.5
        expected = np.stack(
            [scipy.ndimage.map_coordinates(image[..., channel].astype(np.float64), places, order=1, mode="nearest")
             for channel in range(3)], axis=-1,
        )  # fmt: skip
        assert np.abs(found[number] - expected / 255).max() < 0.05 / 255


def test_to_turn_on_crops_leaves_the_draws_of_the_others():
    ids = IDS[:8]
    plain = WarpOptions(20.0, 0.1, horizontal_flip=True)
    whole = dataclasses.replace(plain, crop_scale=(1.0, 1.0), crop_ratio=(1.0, 1.0))
    one, other = (options.plan(1, 0, ids, Examples(ids, ids, 20, 20))["warp"] for options in (plain, whole))
    np.testing.assert_allclose(one, other, atol=1e-9)
