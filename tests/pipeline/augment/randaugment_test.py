"""RandAugment's operations on colors: each against Pillow's on photographs, and how they are drawn."""

import numpy as np
import pytest
import scipy.stats
import tensorflow as tf
from PIL import Image, ImageEnhance, ImageOps

from pipeline.augment.operation import Examples
from pipeline.augment.options import AugmentOptions
from pipeline.augment.randaugment import OPERATIONS, RandAugmentOptions, settings
from pipeline.augment.warp import WarpOptions
from pipeline.decoding.pixel_format import PixelFormat
from pipeline.graph import make_finish
from tests.conftest import random_picture
from tests.pipeline.augment.warp_test import KNOBS, matrices, run

IDS = np.arange(20_000)
SIZE = 48
# By how many levels of 255 a pixel may differ: Pillow rounds at every stage.
TOLERANCE = {"identity": 0.01, "posterize": 0.01, "solarize": 0.01, "autocontrast": 1.01, "sharpness": 2.0,
             "color": 2.0, "contrast": 1.6, "brightness": 1.01}  # fmt: skip


def with_pillow(name: str, picture: np.ndarray, raised: bool, magnitude: float) -> np.ndarray:
    """`picture`, uint8 [height, width, channels], after one operation."""
    image = Image.fromarray(picture[..., 0] if picture.shape[-1] == 1 else picture)
    factor = 1 + 0.09 * magnitude * (1 if raised else -1)
    if name == "identity":
        done = image
    elif name == "autocontrast":
        done = ImageOps.autocontrast(image)
    elif name == "solarize":
        done = ImageOps.solarize(image, round(256 - 25.6 * magnitude))
    elif name == "posterize":
        done = ImageOps.posterize(image, 8 - round(0.4 * magnitude))
    else:
        done = getattr(ImageEnhance, name.capitalize())(image).enhance(factor)
    return np.asarray(done).reshape(picture.shape)


def changed(images: np.ndarray, table: np.ndarray, full_scale: int = 255) -> np.ndarray:
    """`images` after the operations whose settings are [pictures, operations, 7]."""
    pixel_format = PixelFormat.square(images.shape[1], images.shape[3], 8 * images.itemsize, full_scale)
    finish = make_finish(AugmentOptions(randaugment=RandAugmentOptions(table.shape[1])), pixel_format)
    return finish({"image": tf.constant(images), "randaugment": tf.constant(np.float32(table))})["image"].numpy()


def one_each(name: str, raised: bool, magnitude: float, count: int) -> np.ndarray:
    """[count, 1, 7]."""
    return settings(np.full((count, 1), name), np.full((count, 1), raised), magnitude)


def planned(options: RandAugmentOptions, ids: np.ndarray = IDS, seed: int = 1, epoch: int = 0) -> np.ndarray:
    """What is drawn."""
    return options.plan(seed, epoch, ids, Examples(ids, ids, SIZE, SIZE))["randaugment"]


@pytest.fixture
def photographs(shared_data) -> np.ndarray:
    """uint8 [8, 48, 48, 3]: cats and dogs."""
    paths = sorted((shared_data / "catdog_data" / "test").glob("*/*.jpg"))[::50]
    return np.stack([np.asarray(Image.open(path).convert("RGB").resize((SIZE, SIZE))) for path in paths])


@pytest.mark.parametrize("name", OPERATIONS)
@pytest.mark.parametrize("channels", [3, 1])
def test_an_operation_is_pillows(name, channels, photographs):
    pictures = photographs[..., :channels]
    assert len(pictures) == 8
    for magnitude in (0.0, 3.0, 5.0, 9.0, 10.0):
        for raised in (True, False):
            result = 255 * changed(pictures, one_each(name, raised, magnitude, 8))
            expected = np.stack([with_pillow(name, picture, raised, magnitude) for picture in pictures])
            assert np.abs(result - expected).max() <= TOLERANCE[name], (magnitude, raised)
    if name != "identity" and (name, channels) != ("color", 1):
        assert np.abs(expected.astype(int) - pictures).mean() > 2


@pytest.mark.parametrize("name", OPERATIONS)
def test_sixteen_bits_are_changed_as_eight(name):
    pictures = np.stack([random_picture(seed, SIZE, SIZE) for seed in range(6)])
    for raised in (True, False):
        table = one_each(name, raised, 7.0, 6)
        fine = changed(pictures.astype(np.uint16) * 257, table, 65_535)
        np.testing.assert_allclose(fine, changed(pictures, table), atol=2e-6)


def test_deep_pictures_keep_their_depth_where_nothing_takes_it():
    deep = np.stack([random_picture(seed, SIZE, SIZE, 1, 16) for seed in range(4)])
    for name in set(OPERATIONS) - {"posterize"}:
        assert len(np.unique(changed(deep, one_each(name, False, 5.0, 4), 65_535))) > 2000, name


def test_each_picture_has_operations_of_its_own_one_after_the_other():
    pictures = np.stack([random_picture(seed, SIZE, SIZE) for seed in range(24)])
    options = RandAugmentOptions(3, 6.0)
    table = planned(options, IDS[:24])
    assert table.shape == (24, 3, 7)
    expected = []
    for picture, rows in zip(pictures, table, strict=True):
        done = {"image": tf.constant(picture[None] / np.float32(255))}
        for row in rows:
            single = {"randaugment": tf.constant(np.float32(row[None, None]))}
            done = RandAugmentOptions(1).apply(done | single, PixelFormat.square(SIZE))
        expected.append(done["image"][0].numpy())
    result = changed(pictures, table)
    # A step may fall on the other side for a rounding: of a few pixels, that is.
    assert (np.abs(result - np.stack(expected)) > 1e-4).mean() < 1e-3
    assert (np.abs(result - pictures / 255).max(axis=(1, 2, 3)) > 0.05).sum() > 15


def test_operations_and_signs_are_drawn_evenly_and_apart():
    names, raised = [], []
    marks = {settings(np.array([name]), np.array([up]), 5.0).tobytes(): (name, up)
             for name in OPERATIONS for up in (True, False)}  # fmt: skip
    for row in planned(RandAugmentOptions(2, 5.0)).reshape(-1, 1, 7):
        name, up = marks[row.tobytes()]
        names.append(OPERATIONS.index(name))
        raised.append(up)
    names = np.array(names).reshape(-1, 2)
    counts = np.histogram2d(*names.T, bins=len(OPERATIONS))[0]
    assert scipy.stats.chisquare(counts.ravel()).pvalue > 1e-4
    of_contrast = np.array(raised)[names.ravel() == OPERATIONS.index("contrast")]
    assert of_contrast.mean() == pytest.approx(0.5, abs=0.03)


def test_what_is_drawn_belongs_to_the_example_and_the_epoch():
    table, order = planned(RandAugmentOptions(2)), np.random.default_rng(0).permutation(50)
    np.testing.assert_array_equal(planned(RandAugmentOptions(2), order), table[order])
    np.testing.assert_array_equal(planned(RandAugmentOptions(3))[:, :2], table)
    for other in (planned(RandAugmentOptions(2), epoch=1), planned(RandAugmentOptions(2), seed=2)):
        assert (other != table).any(axis=(1, 2)).mean() > 0.8


def test_a_larger_magnitude_changes_more():
    pictures = np.stack([random_picture(seed, SIZE, SIZE) for seed in range(6)])
    for name in set(OPERATIONS) - {"identity", "autocontrast"}:
        changes = [np.abs(changed(pictures, one_each(name, False, magnitude, 6)) - pictures / 255).mean()
                   for magnitude in (0.0, 2.5, 5.0, 10.0)]  # fmt: skip
        assert changes[0] < 1e-6
        assert (np.diff(changes) > 0).all(), name


@pytest.mark.parametrize("channels", [1, 3])
def test_operations_that_change_nothing_leave_every_bit_of_the_warp(channels):
    pictures = np.stack([random_picture(seed, 40, 40, channels) for seed in range(24)])
    warp = matrices(KNOBS["all"], 40, 3, 2)
    options = AugmentOptions(WarpOptions(1.0), randaugment=RandAugmentOptions(2))
    table = np.float32(one_each("identity", True, 9.0, 24).repeat(2, axis=1))
    batch = {"image": pictures, "warp": warp, "randaugment": table}
    result = make_finish(options, PixelFormat.square(40, channels))({name: tf.constant(v) for name, v in batch.items()})
    np.testing.assert_array_equal(result["image"], run(pictures, warp))


def test_a_flat_picture_stays_where_there_is_nothing_to_stretch():
    flat = np.full((2, SIZE, SIZE, 3), 77, np.uint8)
    flat[1, 0, 0, 0] = 78  # one channel of one has two values
    result = 255 * changed(flat, one_each("autocontrast", True, 9.0, 2))
    np.testing.assert_allclose(result[0], 77, atol=1e-3)
    np.testing.assert_allclose(result[1, ..., 1:], 77, atol=1e-3)
    assert (np.unique(result[1, ..., 0].round())).tolist() == [0, 255]


@pytest.mark.parametrize(
    ("options", "active", "words"),
    [
        (RandAugmentOptions(), False, ""),
        (RandAugmentOptions(1, 3.0), True, ""),
        (RandAugmentOptions(0, 3.0), False, "--randaugment_magnitude=3 without --randaugment_operations"),
    ],
)
def test_a_magnitude_of_nothing_is_off_and_said(options, active, words):
    assert options.active == active
    assert len(options.notes) == bool(words)
    assert words in "".join(options.notes)
