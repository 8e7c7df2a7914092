"""Corruptions keep shape, dtype and range, grow with the severity, follow from the picture alone, do what they say."""

import colorsys
import dataclasses
import io

import numpy as np
import pytest
from PIL import Image
from scipy import stats

from evaluation import corruptions
from evaluation.corruptions import CORRUPTIONS, SEVERITIES, corrupt, corruptions_of
from tests.conftest import random_picture

KINDS = {"color": (3, 8, 255), "gray": (1, 8, 255), "depth": (1, 16, 4095), "deep color": (3, 16, 65535)}
by_kind = pytest.mark.parametrize("kind", KINDS)
by_name = pytest.mark.parametrize("corruption", CORRUPTIONS, ids=lambda one: one.name)


def picture_of(kind: str, seed: int = 1, height: int = 48, width: int = 64) -> np.ndarray:
    """Of depth the pictures fill a full scale of 4095, as a camera's do."""
    channels, bits, full_scale = KINDS[kind]
    picture = random_picture(seed, height, width, channels, bits)
    return picture // 16 if full_scale == 4095 else picture


def spoilt(kind: str, corruption, severity: int, seed: int = 7, picture=None) -> np.ndarray:
    picture = picture_of(kind) if picture is None else picture
    return corrupt(picture, corruption, severity, seed, KINDS[kind][2])


def apart(one: np.ndarray, other: np.ndarray) -> float:
    return float(np.sqrt(np.mean((one.astype(float) - other) ** 2)))


@by_kind
def test_shape_dtype_and_range_are_kept_and_the_picture_changes(kind):
    picture, before = picture_of(kind), picture_of(kind)
    for corruption in corruptions_of(picture.dtype):
        for severity in SEVERITIES:
            found = spoilt(kind, corruption, severity)
            assert (found.shape, found.dtype) == (picture.shape, picture.dtype)
            assert found.max() <= KINDS[kind][2]
            assert not np.array_equal(found, picture), (corruption.name, severity)
            assert len(np.unique(found)) > 8
        np.testing.assert_array_equal(spoilt(kind, corruption, 0), picture)
    np.testing.assert_array_equal(picture, before)


def test_a_jpeg_has_no_16_bits():
    assert corruptions_of(np.dtype(np.uint8)) == CORRUPTIONS
    assert set(CORRUPTIONS) - set(corruptions_of(np.dtype(np.uint16))) == {corruptions.JPEG}


# Not of shifts: a picture that repeats itself is near itself again.
@pytest.mark.parametrize("kind", ["color", "gray"])
@pytest.mark.parametrize("corruption", CORRUPTIONS[:-1], ids=lambda one: one.name)
def test_what_is_more_severe_is_further_from_the_picture(corruption, kind):
    means = np.zeros(len(SEVERITIES))
    for seed in range(6):
        picture = picture_of(kind, seed, 64, 64)
        means += [apart(spoilt(kind, corruption, severity, picture=picture), picture) for severity in SEVERITIES]
    assert (np.diff(means) > 0).all(), means


@by_name
def test_a_picture_becomes_the_same_in_any_order(corruption):
    first, second = picture_of("color", 1), picture_of("color", 2)
    alone = spoilt("color", corruption, 3, picture=second)
    spoilt("color", corruption, 3, picture=first)
    np.testing.assert_array_equal(spoilt("color", corruption, 3, picture=second.copy()), alone)


def test_noise_is_another_by_seed_severity_and_picture():
    noise = {}
    gray = np.full((40, 40, 1), 128, np.uint8)
    for name, (seed, severity, value) in {
        "as it is": (1, 3, 128), "another seed": (2, 3, 128), "another severity": (1, 4, 128),
        "another picture": (1, 3, 129),
    }.items():  # fmt: skip
        found = corrupt(gray + np.uint8(value - 128), corruptions.NOISE, severity, seed, 255).astype(float)
        noise[name] = (found - found.mean()).ravel()
    for name in list(noise)[1:]:
        assert abs(np.corrcoef(noise["as it is"], noise[name])[0, 1]) < 0.1, name


def test_signs_and_directions_are_drawn_by_the_picture():
    turns, moves = set(), set()
    for seed in range(40):
        picture = picture_of("color", seed, 32, 32)
        values = picture.astype(np.float32) / 255
        found = spoilt("color", corruptions.ROTATION, 5, picture=picture)
        ways = [corruptions.rotated(values, 30.0, key) for key in (0, 1)]
        turns.add(int(np.argmin([apart(np.round(255 * way), found) for way in ways])))
        found = spoilt("color", corruptions.SHIFT, 5, picture=picture)
        (move,) = [key for key in range(4) if np.array_equal(corruptions.shifted(picture, 5, key), found)]
        moves.add(move)
    assert turns == {0, 1}
    assert moves == {0, 1, 2, 3}


@by_kind
@pytest.mark.parametrize(("effect", "identity"), [
    (corruptions.blurred, 0.0), (corruptions.noisy, 0.0), (corruptions.brightened, 0.0),
    (corruptions.with_contrast, 1.0), (corruptions.rotated, 0.0), (corruptions.shifted, 0),
], ids=lambda one: getattr(one, "__name__", ""))  # fmt: skip
def test_the_parameter_that_does_nothing_leaves_the_picture(effect, identity, kind):
    (corruption,) = [one for one in CORRUPTIONS if one.effect is effect]
    nothing = dataclasses.replace(corruption, parameters=(identity,) * 5)
    np.testing.assert_array_equal(spoilt(kind, nothing, 3), picture_of(kind))


@pytest.mark.parametrize(("key", "rows", "columns"), [(0, 5, 0), (1, -5, 0), (2, 0, 5), (3, 0, -5)])
def test_a_shift_moves_the_content_by_that_many_pixels(key, rows, columns):
    picture = picture_of("color")
    moved = corruptions.shifted(picture, 5, key)
    inner = picture[10:-10, 10:-10]
    np.testing.assert_array_equal(moved[10 + rows : 38 + rows, 10 + columns : 54 + columns], inner)
    edge = {0: moved[:6], 1: moved[-6:], 2: moved[:, :6], 3: moved[:, -6:]}[key]
    axis = 0 if rows else 1
    assert (np.diff(edge.astype(int), axis=axis) == 0).all()


def test_shifts_are_whole_pixels_in_proportion_to_the_shorter_side_and_at_least_one():
    assert [corruptions.SHIFT.parameter(one, (300, 100)) for one in SEVERITIES] == [2, 4, 8, 12, 16]
    assert [corruptions.SHIFT.parameter(one, (16, 16)) for one in SEVERITIES] == [1, 1, 1, 2, 3]


def test_a_blur_is_as_wide_as_in_the_paper_at_its_sizes_and_between_them():
    widths = {side: [corruptions.BLUR.parameter(one, (side, 300)) for one in SEVERITIES] for side in (16, 32, 85, 224)}
    assert widths[224] == pytest.approx([1, 2, 3, 4, 6])
    assert widths[16] == widths[32] == [0.4, 0.6, 0.7, 0.8, 1.0]
    between = np.sqrt(np.multiply(widths[32], widths[224]))  # sqrt(32 * 224) is 84.7
    np.testing.assert_allclose(widths[85], between, rtol=0.01)
    # A picture of a single white pixel becomes the bell itself, whose second moment is the square of the deviation.
    point = np.zeros((61, 61, 1), np.float32)
    point[30, 30] = 1
    bell = corruptions.blurred(point, 4.0)[..., 0].astype(float)
    places = np.arange(61) - 30
    assert (bell.sum(axis=1) @ places**2) / bell.sum() == pytest.approx(16, rel=0.01)
    assert (bell.sum(axis=0) @ places**2) / bell.sum() == pytest.approx(16, rel=0.01)


def test_noise_is_normal_with_its_deviation():
    drawn = corruptions.normals(12345, (200, 201, 3))
    assert stats.kstest(drawn.ravel(), "norm").pvalue > 0.001
    assert abs(np.corrcoef(drawn[..., 0].ravel(), drawn[..., 1].ravel())[0, 1]) < 0.02
    gray = np.full((100, 100, 1), 0.5, np.float32)
    assert corruptions.noisy(gray, 0.08, 3).std() == pytest.approx(0.08, rel=0.03)
    assert corruptions.normals(1, (3, 5)).shape == (3, 5)  # an odd number


def test_brightness_raises_the_v_of_hsv_as_a_slow_twin_does():
    values = picture_of("color")[:12, :12].astype(np.float32) / 255
    values[0, 0], values[0, 1], values[0, 2] = 0, (0.0, 0.0, 0.4), 0.97
    fast = corruptions.brightened(values, 0.3)
    for row, column in np.ndindex(values.shape[:2]):
        hue, saturation, value = colorsys.rgb_to_hsv(*values[row, column].astype(float))
        slow = colorsys.hsv_to_rgb(hue, saturation, min(value + 0.3, 1.0))
        np.testing.assert_allclose(fast[row, column], slow, atol=1e-5)


def test_contrast_pulls_each_channel_to_its_mean_as_a_slow_twin_does():
    values = picture_of("color").astype(np.float32) / 255
    fast = corruptions.with_contrast(values, 0.3)
    for channel in range(3):
        plane = values[..., channel].astype(float)
        mean = sum(plane.ravel()) / plane.size
        for row, column in ((0, 0), (17, 40), (47, 63)):
            expected = mean + 0.3 * (plane[row, column] - mean)
            assert fast[row, column, channel] == pytest.approx(expected, abs=1e-5)


def test_a_quarter_turn_is_numpys():
    values = picture_of("color", 3, 40, 40).astype(np.float32) / 255
    np.testing.assert_allclose(corruptions.rotated(values, 90.0, 0), np.rot90(values), atol=1e-5)
    np.testing.assert_allclose(corruptions.rotated(values, 90.0, 1), np.rot90(values, -1), atol=1e-5)


@pytest.mark.parametrize("effect", [corruptions.blurred, corruptions.rotated])
def test_the_edge_goes_on_beyond_itself(effect):
    plain = np.full((20, 30, 3), 0.7, np.float32)
    np.testing.assert_allclose(effect(plain, 6.0, 0), plain, atol=1e-6)


def test_a_jpeg_is_pillows_of_that_quality():
    picture = picture_of("color")
    Image.fromarray(picture).save(file := io.BytesIO(), "JPEG", quality=15)
    np.testing.assert_array_equal(spoilt("color", corruptions.JPEG, 3), np.asarray(Image.open(file)))


def test_depth_is_spoilt_in_the_scale_that_the_model_sees():
    # Half of the full scale more is white to the model, though it is far from the largest number of 16 bits.
    depth = picture_of("depth")
    bright = spoilt("depth", corruptions.BRIGHTNESS, 5)
    expected = np.minimum(depth / 4095 + 0.5, 1) * 4095
    np.testing.assert_allclose(bright, expected, atol=1)
    far = np.where(np.arange(depth.size).reshape(depth.shape) % 5 == 0, 60_000, depth).astype(np.uint16)
    seen = np.minimum(far, 4095)
    np.testing.assert_array_equal(*(spoilt("depth", corruptions.BLUR, 3, picture=one) for one in (far, seen)))


def test_a_full_scale_that_8_bits_do_not_reach_is_not_left():
    picture = picture_of("color")
    found = corrupt(picture, corruptions.BRIGHTNESS, 1, 1, 510)
    np.testing.assert_allclose(found.max(axis=2), np.minimum(picture.max(axis=2).astype(int) + 51, 255), atol=1)


def test_parameters_are_the_papers():
    paper = {"noise": (0.08, 0.12, 0.18, 0.26, 0.38), "brightness": (0.1, 0.2, 0.3, 0.4, 0.5),
             "contrast": (0.4, 0.3, 0.2, 0.1, 0.05), "JPEG": (25, 18, 15, 10, 7)}  # fmt: skip
    assert {one.name: one.parameters for one in CORRUPTIONS if one.name in paper} == paper
    assert len({one.name for one in CORRUPTIONS}) == 7
    for corruption in CORRUPTIONS:
        parameters = [corruption.parameter(severity, (100, 120)) for severity in SEVERITIES]
        steps = np.diff(parameters)
        assert (steps > 0).all() or (steps < 0).all(), corruption.name
