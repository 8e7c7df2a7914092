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


def parameters(options: WarpOptions, size: int, seed: int, epoch: int) -> dict[str, np.ndarray]:
    """What a warp must draw, by its documentation."""
    names = ["rotate", "shift_rows", "shift_columns", "shear", "zoom_rows", "zoom_columns"]
    signed = dict(zip(names, 2 * draw(seed, epoch, IDS, names).T - 1, strict=True))
    return {
        "theta": options.rotate_degrees * signed["rotate"],
        "tx": options.shift_fraction * size * signed["shift_columns"],
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
@pytest.mark.parametrize("size", [SIZE, 33])
def test_the_warp_equals_the_legacy_generator_of_keras(name, size):
    options, images = KNOBS[name], pictures(size=size)
    drawn = parameters(options, size, seed=3, epoch=2)
    expected = np.stack(
        [
            apply_affine_transform(
                image.astype(np.float64), **{key: value[row] for key, value in drawn.items()},
                row_axis=0, col_axis=1, channel_axis=2, fill_mode="nearest", order=1,
            )
            for row, image in enumerate(images)
        ]
    )  # fmt: skip
    warped = run(images, matrices(options, size, 3, 2))
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


def test_sixteen_bits_warp_as_finely_as_eight():
    coarse = pictures()
    fine = coarse.astype(np.uint16) * 257
    transforms = matrices(AUGMENT_PRESETS["strong"].warp, SIZE, 2, 0)
    assert np.abs(run(coarse, transforms) - run(fine, transforms, 65535)).max() < 2e-6


@pytest.mark.parametrize("name", ["all", "medium"])
def test_the_result_is_float32_in_the_unit_interval(name):
    options = AUGMENT_PRESETS.get(name) or AugmentOptions(KNOBS[name])
    result = augment(options, pictures(), **planned(options, SIZE, 1, 0, IDS))
    assert (result.dtype, result.shape) == (np.float32, (len(IDS), SIZE, SIZE, 3))
    assert result.min() >= 0
    assert result.max() <= 1


@pytest.mark.parametrize("settings", [{}, {"randaugment_operations": 3}], ids=["medium", "randaugment"])
def test_inside_a_dataset_it_gives_the_same_bits(settings):
    images, options = pictures(), AUGMENT_PRESETS["medium"].changed(settings)
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
