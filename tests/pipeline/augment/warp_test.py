"""The fused warp against two other implementations, and its identities."""

import dataclasses

import numpy as np
import pytest
import scipy.ndimage
import tensorflow as tf
from keras.src.legacy.preprocessing.image import apply_affine_transform

from pipeline.augment.draws import draw
from pipeline.augment.operation import Examples
from pipeline.augment.options import AUGMENT_PRESETS, AugmentOptions
from pipeline.augment.scale import to_float
from pipeline.augment.warp import WarpOptions, affine_matrices
from pipeline.decoding.pixel_format import PixelFormat
from pipeline.graph import make_finish
from tests.conftest import random_picture

SIZE = 40
IDS = np.arange(100, 124, dtype=np.int64)
KNOBS = {
    "rotate": WarpOptions(rotate_degrees=180.0),
    "shift": WarpOptions(shift_fraction=0.7),
    "shear": WarpOptions(shear_degrees=60.0),
    "zoom": WarpOptions(zoom_fraction=0.9),
    "report": AUGMENT_PRESETS["report"].warp,
    "all": WarpOptions(45.0, 0.3, 30.0, 0.4, True, True),
}


def pictures(
    count: int = len(IDS), size: int = SIZE, bits: int = 8, channels: int = 3, width: int | None = None
) -> np.ndarray:
    """[count, size, width or size, channels], each another picture."""
    return np.stack([random_picture(seed, size, width or size, channels, bits) for seed in range(count)])


def planned(options: AugmentOptions, size: int, seed: int, epoch: int, ids: np.ndarray) -> dict[str, np.ndarray]:
    """What `options` plan for examples."""
    return options.plan(seed, epoch, ids, Examples(ids, np.zeros(len(ids), np.int32), size, size))


def matrices(
    options: WarpOptions, size: int, seed: int, epoch: int, ids: np.ndarray = IDS, width: int | None = None
) -> np.ndarray:
    """float32 [ids, 6] of a warp, active or not."""
    return options.plan(seed, epoch, ids, Examples(ids, ids, size, width or size))["warp"].astype(np.float32)


def augment(options: AugmentOptions, images: np.ndarray, full_scale: int = 255, **features: np.ndarray) -> np.ndarray:
    """`images` after the one fused pass of `options`, with these values of what it plans."""
    bits = 8 * images.dtype.itemsize
    finish = make_finish(options, PixelFormat(*images.shape[1:], bits, full_scale))
    return finish({"image": tf.constant(images)} | features)["image"].numpy()


def run(images: np.ndarray, warp: np.ndarray, full_scale: int = 255) -> np.ndarray:
    """`images` warped by matrices [n, 6]."""
    return augment(AugmentOptions(WarpOptions(1.0)), images, full_scale, warp=warp)


def identity(count: int) -> np.ndarray:
    """Matrices that change nothing."""
    return np.tile(np.array([1, 0, 0, 0, 1, 0], np.float32), (count, 1))


def parameters(
    options: WarpOptions, size: int, seed: int, epoch: int, width: int | None = None
) -> dict[str, np.ndarray]:
    """What a warp must draw, by its documentation."""
    names = ["rotate", "shift_rows", "shift_columns", "shear", "zoom_rows", "zoom_columns"]
    signed = dict(zip(names, 2 * draw(seed, epoch, IDS, names).T - 1, strict=True))
    return {
        "theta": options.rotate_degrees * signed["rotate"],
        "tx": options.shift_fraction * (width or size) * signed["shift_columns"],
        "ty": options.shift_fraction * size * signed["shift_rows"],
        "shear": options.shear_degrees * signed["shear"],
        "zx": 1 + options.zoom_fraction * signed["zoom_columns"],
        "zy": 1 + options.zoom_fraction * signed["zoom_rows"],
    }


def flipped(options: WarpOptions, images: np.ndarray, seed: int, epoch: int) -> np.ndarray:
    """`images` mirrored where the draws say so."""
    vertical, horizontal = draw(seed, epoch, IDS, ["vertical_flip", "horizontal_flip"]).T < 0.5
    images = images.copy()
    if options.vertical_flip:
        images[vertical] = images[vertical, ::-1]
    if options.horizontal_flip:
        images[horizontal] = images[horizontal, :, ::-1]
    return images


@pytest.mark.filterwarnings("ignore:Please import:DeprecationWarning")
@pytest.mark.parametrize("name", KNOBS)
@pytest.mark.parametrize(("size", "width"), [(SIZE, SIZE), (33, 33), (28, 45)])
def test_the_warp_equals_the_legacy_generator_of_keras(name, size, width):
    options, images = KNOBS[name], pictures(size=size, width=width)
    drawn = parameters(options, size, seed=3, epoch=2, width=width)
    expected = np.stack(
        [
            apply_affine_transform(
                image.astype(np.float64), **{key: value[row] for key, value in drawn.items()},
                row_axis=0, col_axis=1, channel_axis=2, fill_mode="nearest", order=1,
            )
            for row, image in enumerate(images)
        ]
    )  # fmt: skip
    warped = run(images, matrices(options, size, 3, 2, width=width))
    difference = np.abs(warped - flipped(options, expected, 3, 2) / 255)
    assert difference.max() < 0.02 / 255
    assert np.abs(warped - images / 255).mean() > 0.01


def test_any_matrix_equals_scipy_far_outside_the_picture_too():
    generator = np.random.default_rng(1)
    images = pictures()
    matrices = generator.normal(0, 1.5, (len(IDS), 2, 2))
    offsets = generator.uniform(-2 * SIZE, 2 * SIZE, (len(IDS), 2))
    transforms = identity(len(IDS))
    transforms[:] = np.concatenate([matrices, offsets[:, :, None]], axis=2).reshape(-1, 6)
    expected = np.empty(images.shape)
    for row, image in enumerate(images):
        for channel in range(3):
            matrix, offset = transforms[row].reshape(2, 3)[:, :2], transforms[row, [2, 5]]
            plane = image[..., channel].astype(np.float64)
            warped = scipy.ndimage.affine_transform(plane, matrix, offset, order=1, mode="nearest")
            expected[row, ..., channel] = warped / 255
    assert np.abs(run(images, transforms) - expected).max() < 0.05 / 255


@pytest.mark.parametrize(("bits", "full_scale"), [(8, 255), (16, 65535), (16, 4095)])
@pytest.mark.parametrize("channels", [1, 3])
def test_nothing_drawn_changes_no_bit(bits, full_scale, channels):
    images = pictures(4, bits=bits, channels=channels)
    if full_scale == 4095:
        images = images >> 4
    plain = to_float(tf.constant(images), full_scale).numpy()
    drawn = matrices(WarpOptions(), SIZE, 1, 0, IDS[:4])
    np.testing.assert_array_equal(drawn, identity(4))
    np.testing.assert_array_equal(run(images, drawn, full_scale), plain)
    np.testing.assert_allclose(plain, images / full_scale, rtol=1e-6)


@pytest.mark.parametrize("axis", [0, 1])
def test_a_flip_alone_is_exact(axis):
    options = WarpOptions(vertical_flip=axis == 0, horizontal_flip=axis == 1)
    images = pictures()
    drawn = run(images, matrices(options, SIZE, 1, 0))
    mirrored = draw(1, 0, IDS, [("vertical_flip", "horizontal_flip")[axis]])[:, 0] < 0.5
    assert 0 < mirrored.sum() < len(IDS)
    plain = to_float(tf.constant(images), 255).numpy()
    for row, mirror in enumerate(mirrored):
        np.testing.assert_array_equal(drawn[row], np.flip(plain[row], axis) if mirror else plain[row])


@pytest.mark.parametrize("axes", [(True, False), (False, True), (True, True)])
def test_a_flip_mirrors_what_the_other_knobs_made(axes):
    plain = dataclasses.replace(KNOBS["all"], vertical_flip=False, horizontal_flip=False)
    options = dataclasses.replace(plain, vertical_flip=axes[0], horizontal_flip=axes[1])
    warped = run(pictures(), matrices(plain, SIZE, 1, 0))
    mirrored = run(pictures(), matrices(options, SIZE, 1, 0))
    assert np.abs(mirrored - flipped(options, warped, 1, 0)).max() < 0.005 / 255


def test_a_shift_by_whole_pixels_moves_pixels():
    transforms = identity(1)
    transforms[0, [2, 5]] = 3, -2
    image = pictures(1)
    expected = np.pad(image[0], [(0, 3), (2, 0), (0, 0)], "edge")[3:, :-2]
    np.testing.assert_array_equal(run(image, transforms)[0], to_float(tf.constant(expected), 255).numpy())


def test_a_quarter_turn_turns_about_the_center():
    zero, one = np.zeros(1), np.ones(1)
    matrix = affine_matrices(90 * one, zero, zero, zero, one, one, (SIZE, SIZE))
    transforms = identity(1)
    transforms[:] = matrix.reshape(1, 6)
    image = pictures(1)
    turned = run(image, transforms)[0]
    assert np.abs(turned - np.rot90(image[0]) / 255).max() < 1e-4


def test_a_turn_shears_no_picture_of_unequal_sides():
    """The square in the middle of a wide picture turns as that square does alone."""
    image, zero, one = pictures(1, 24, width=40), np.zeros(1), np.ones(1)
    warps = [affine_matrices(35 * one, zero, zero, zero, one, one, sides) for sides in ((24, 40), (24, 24))]
    parts = zip((image, image[:, :, 8:32]), warps, strict=True)
    wide, square = (run(part, np.float32(warp).reshape(1, 6))[0] for part, warp in parts)
    inside = np.hypot(*np.mgrid[-11.5:12, -11.5:12]) < 11.5
    assert np.abs(wide[:, 8:32] - square)[inside].max() < 1e-4
    assert np.abs(square - image[0, :, 8:32] / 255)[inside].mean() > 0.05


def test_each_axis_shifts_by_a_fraction_of_its_own_side():
    drawn = matrices(WarpOptions(shift_fraction=0.25), 24, 1, 0, np.arange(4000), width=96)[:, [2, 5]]
    assert np.abs(drawn).max(axis=0) == pytest.approx([6, 24], rel=0.01)


def test_sixteen_bits_warp_as_finely_as_eight():
    coarse = pictures()
    fine = coarse.astype(np.uint16) * 257
    transforms = matrices(AUGMENT_PRESETS["strong"].warp, SIZE, 2, 0)
    assert np.abs(run(coarse, transforms) - run(fine, transforms, 65535)).max() < 2e-6


@pytest.mark.parametrize("name", ["all", "strong"])
def test_the_result_is_float32_in_the_unit_interval(name):
    options = AUGMENT_PRESETS.get(name) or AugmentOptions(KNOBS[name])
    result = augment(options, pictures(), **planned(options, SIZE, 1, 0, IDS))
    assert (result.dtype, result.shape) == (np.float32, (len(IDS), SIZE, SIZE, 3))
    assert result.min() >= 0
    assert result.max() <= 1


def test_inside_a_dataset_it_gives_the_same_bits():
    images, options = pictures(), AUGMENT_PRESETS["strong"]
    features = planned(options, SIZE, 1, 0, IDS)
    eager = augment(options, images, **features)
    finish = make_finish(options, PixelFormat.square(SIZE))
    batch = {"image": images} | features
    mapped = tf.data.Dataset.from_tensor_slices(batch).batch(8, drop_remainder=True).map(finish)
    np.testing.assert_array_equal(np.concatenate([one["image"] for one in mapped.as_numpy_iterator()]), eager)
    graph = tf.function(finish)
    np.testing.assert_array_equal(graph({name: tf.constant(part) for name, part in batch.items()})["image"], eager)


def test_turning_one_knob_leaves_the_draws_of_the_others():
    plain, more = WarpOptions(shift_fraction=0.2), WarpOptions(shift_fraction=0.2, zoom_fraction=0.3)
    shifts = [parameters(options, SIZE, 1, 0) for options in (plain, more)]
    np.testing.assert_array_equal(
        matrices(plain, SIZE, 1, 0)[:, [2, 5]].T, np.float32([shifts[1]["ty"], shifts[1]["tx"]])
    )
    assert (matrices(more, SIZE, 1, 0)[:, 0] != matrices(plain, SIZE, 1, 0)[:, 0]).all()
    both = planned(AugmentOptions(plain).changed({"contrast_fraction": 0.3}), SIZE, 1, 0, IDS)
    np.testing.assert_array_equal(both["warp"], matrices(plain, SIZE, 1, 0))


def test_a_warp_after_other_operations_warps_what_they_made():
    # An operation before it may leave float32 images; those are in [0, 1] already.
    images, warp = pictures(), matrices(KNOBS["all"], SIZE, 3, 2)
    floats = {"image": tf.constant(images / np.float32(255)), "warp": tf.constant(warp)}
    result = KNOBS["all"].apply(floats, PixelFormat.square(SIZE))["image"]
    np.testing.assert_allclose(result, run(images, warp), atol=1e-6)


def test_rotation_reaches_both_ends_in_degrees():
    drawn = matrices(WarpOptions(rotate_degrees=20.0), SIZE, 1, 0, np.arange(4000))
    degrees = np.rad2deg(np.arctan2(drawn[:, 3], drawn[:, 0]))
    assert -20.001 < degrees.min() < -19.9
    assert 19.9 < degrees.max() < 20.001


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
