"""Contact sheets: which examples are shown, and that what they show is what training sees."""

import re
from types import SimpleNamespace

import numpy as np
import pytest

from pipeline.augment.mix import MixOptions
from pipeline.augment.options import AUGMENT_PRESETS, AugmentOptions
from pipeline.augment.warp import WarpOptions
from pipeline.decoding.pixel_format import PixelFormat
from pipeline.pixels import PackedPixels
from reports.sheets import MOST_AUGMENTED, MOST_BANDS, MOST_CLASSES, augmentation_sheet, sample_sheet

SMALL = PixelFormat.square(12)


def data_of(counts, names=None, pixel_format=SMALL):
    """Classes of so many pictures of 12x12 pixels; every second one is in train."""
    labels = np.repeat(np.arange(len(counts), dtype=np.int32), counts)
    pixels = np.random.default_rng(1).integers(0, 256, (len(labels), 12, 12, pixel_format.channels), np.uint8)
    if pixel_format.bit_depth == 16:
        pixels = pixels.astype(np.uint16) * 10
    names = names or tuple(f"class_{label}" for label in range(len(counts)))
    manifest = SimpleNamespace(class_names=names, labels=labels, shown_path=lambda i: f"{i}.png")
    splits = SimpleNamespace(ids={"train": np.arange(0, len(labels), 2)})
    return with_pixels(SimpleNamespace(manifest=manifest, splits=splits), PackedPixels(pixels, pixel_format))


def with_pixels(data: SimpleNamespace, pixels: PackedPixels, train_pixels: PackedPixels | None = None):
    data.pixels, data.train_pixels = pixels, train_pixels or pixels
    return data


@pytest.fixture
def data():
    return data_of((30, 3, 20), ("a", "b", "c"))


def ids_of(tiles) -> list[int]:
    return [int(tile.path.removesuffix(".png")) for tile in tiles]


def rounded(pixels: np.ndarray, full_scale: int = 255) -> np.ndarray:
    """As a screen shows them: [n, height, width, 3] uint8."""
    shown = np.round(np.minimum(pixels / full_scale, 1) * 255).astype(np.uint8)
    return np.broadcast_to(shown, (*shown.shape[:3], 3))


def test_deep_pictures_are_shown_by_their_full_scale():
    data = data_of((30, 3, 20), pixel_format=PixelFormat.square(12, 1, 16, full_scale=2000))
    for band in sample_sheet(data).bands:
        stored = rounded(data.pixels.read(np.array(ids_of(band.tiles))), 2000).astype(int)
        assert np.abs(np.stack([tile.image for tile in band.tiles]) - stored).max() <= 1
    for band in augmentation_sheet(data, AugmentOptions(), seed=4).bands:
        stored = rounded(data.pixels.read(np.array(ids_of([band]))), 2000).astype(int)
        assert np.abs(np.stack([tile.image for tile in band.tiles]) - stored).max() <= 1


def test_each_class_has_rows_of_its_own_with_its_name(data):
    sheet = sample_sheet(data)
    assert [band.name for band in sheet.bands] == ["a", "b", "c"]
    # Two rows of four, from a class's first to its last; the small class gives the two that it has.
    assert [len(band.tiles) for band in sheet.bands] == [8, 2, 8]
    assert sheet.note == ""
    for label, band in enumerate(sheet.bands):
        shown = ids_of(band.tiles)
        members = np.flatnonzero(data.manifest.labels == label)
        members = members[members % 2 == 0]
        assert {members[0], members[-1]} <= set(shown) <= set(members)
        assert len(set(shown)) == len(shown)
        np.testing.assert_array_equal([tile.image for tile in band.tiles], data.pixels.read(np.array(shown)))


@pytest.mark.parametrize("classes", [1, 2, 10, MOST_BANDS, MOST_BANDS + 1, 43, MOST_CLASSES])
def test_every_class_is_shown(classes):
    data = data_of([10] * classes)
    for sheet in (sample_sheet(data), *([augmentation_sheet(data, AugmentOptions(), 1)] * (classes <= MOST_AUGMENTED))):
        named = [band.name or tile.name for band in sheet.bands for tile in band.tiles]
        assert list(dict.fromkeys(named)) == list(data.manifest.class_names)
        assert sheet.note == ""
        assert len(named) <= 16 * 8


def test_of_very_many_classes_some_are_shown_and_that_is_said():
    data = data_of([4] * 200)
    for sheet, most in (
        (sample_sheet(data), MOST_CLASSES),
        (augmentation_sheet(data, AugmentOptions(), 1), MOST_AUGMENTED),
    ):
        assert sheet.note == f"{most} of 200 classes"
        named = dict.fromkeys(band.name or tile.name for band in sheet.bands for tile in band.tiles)
        assert len(named) == most
        assert {"class_0", "class_199"} <= set(named)


def test_a_class_that_a_split_has_not_is_said():
    data = data_of((1, 1, 6))  # every second one: nothing of the second class
    assert sample_sheet(data).note == "2 of 3 classes"
    assert [band.name for band in sample_sheet(data).bands] == ["class_0", "class_2"]


def test_a_band_shows_the_picture_and_then_its_epochs(data):
    medium, plain = (
        augmentation_sheet(data, options, seed=4) for options in (AUGMENT_PRESETS["medium"], AugmentOptions())
    )
    assert [band.name for band in medium.bands] == ["a", "b", "c"]
    for band, still in zip(medium.bands, plain.bands, strict=True):
        (stored,) = data.pixels.read(np.array(ids_of([band])))
        assert [tile.name for tile in band.tiles] == ["as it is", *(f"epoch {epoch}" for epoch in range(1, 8))]
        np.testing.assert_array_equal(band.tiles[0].image, stored)
        assert len({tile.image.tobytes() for tile in band.tiles}) == len(band.tiles)
        assert {tile.image.tobytes() for tile in still.tiles} == {stored.tobytes()}


@pytest.mark.parametrize("names", [("a", "b", "c"), ("a", "\U0010fffd", "c")])
def test_a_mixed_picture_says_both_classes_and_their_shares(names):
    data, caption = data_of((30, 3, 20), names), re.compile(r"epoch \d: (\d+)% (.+), (\d+)% (.+)")
    sheet, labels = augmentation_sheet(data, AugmentOptions(mix=MixOptions(cutmix_alpha=1.0)), seed=4), []
    for band in sheet.bands:
        (stored,) = data.pixels.read(np.array(ids_of([band])))
        for tile in band.tiles[1:]:
            own = (tile.image == stored).all(axis=-1).mean()  # no two pictures of noise have a pixel in common
            if own == 1:
                assert tile.name in [f"epoch {epoch}" for epoch in range(1, 8)]
                continue
            share, name, rest, other = caption.fullmatch(tile.name).groups()
            assert int(share) == pytest.approx(100 * own, abs=0.51)
            assert int(rest) == pytest.approx(100 - 100 * own, abs=0.51)
            assert name == band.name
            labels.append((names.index(name), names.index(other)))
            # Whose it is, by the pixels that are not its own.
            second = [
                label
                for one, label in enumerate(data.manifest.labels)
                if (data.pixels.read([one])[0] == tile.image).all(axis=-1).mean() == pytest.approx(1 - own)
            ]
            assert names.index(other) in second
            numbers = f"{share}% class {names.index(name)}, {rest}% class {names.index(other)}"
            assert tile.fallback == f"{tile.name.partition(':')[0]}: {numbers}"
    assert len(set(labels)) > 4


@pytest.mark.parametrize("classes", [3, MOST_BANDS + 1])
def test_pictures_are_read_together_and_once(classes, monkeypatch):
    """What is streamed is decoded for it, by as many threads as there are, before the first step."""
    data, asked = data_of([10] * classes), []
    read = data.pixels.read
    monkeypatch.setattr(data.pixels, "read", lambda ids: asked.append(len(ids)) or read(ids))
    tiles = sum(len(band.tiles) for band in sample_sheet(data).bands)
    assert asked == [tiles]
    bands = augmentation_sheet(data, AUGMENT_PRESETS["strong"], seed=4).bands
    # Those of the rows, and those that all their epochs mix in.
    assert asked == [tiles, len(bands), sum(len(band.tiles) - 1 for band in bands)]


def test_large_pictures_are_reduced_for_screens():
    pixels = np.random.default_rng(1).integers(0, 256, (4, 600, 600, 3), np.uint8)
    data = with_pixels(data_of((2, 2)), PackedPixels(pixels, PixelFormat.square(600)))
    for sheet in (sample_sheet(data), augmentation_sheet(data, AugmentOptions(), 1)):
        assert {tile.image.shape for band in sheet.bands for tile in band.tiles} == {(224, 224, 3)}


def test_what_is_cut_from_larger_pictures_stands_beside_what_is_evaluated(data):
    larger = np.random.default_rng(2).integers(0, 256, (53, 24, 20, 3), np.uint8)
    small = larger.reshape(53, 12, 2, 10, 2, 3).mean(axis=(2, 4)).round().astype(np.uint8)
    with_pixels(data, PackedPixels(small, PixelFormat(12, 10)), PackedPixels(larger, PixelFormat(24, 20)))
    whole = AugmentOptions(WarpOptions(crop_scale=(1.0, 1.0), crop_ratio=(1.0, 1.0)))
    for band in augmentation_sheet(data, whole, seed=4).bands:
        (stored,) = small[ids_of([band])]
        np.testing.assert_array_equal(band.tiles[0].image, stored)
        for tile in band.tiles[1:]:
            assert np.abs(tile.image.astype(int) - stored).max() <= 1
    cropped = AugmentOptions(WarpOptions(crop_scale=(0.1, 0.5)))
    for band in augmentation_sheet(data, cropped, seed=4).bands:
        assert {tile.image.shape for tile in band.tiles} == {(12, 10, 3)}
        assert len({tile.image.tobytes() for tile in band.tiles}) == len(band.tiles)
