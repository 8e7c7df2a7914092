"""Contact sheets: which examples are shown, and that what they show is what training sees."""

from types import SimpleNamespace

import numpy as np
import pytest

from pipeline.augment.options import AUGMENT_PRESETS, AugmentOptions
from pipeline.decoding.pixel_format import PixelFormat
from pipeline.pixels import PackedPixels
from reports import sheets
from reports.sheets import AUGMENTED_COLUMNS, SAMPLE_COLUMNS, augmentation_sheet, sample_sheet

LABELS = np.array([0] * 30 + [1] * 3 + [2] * 20, np.int32)


@pytest.fixture
def data():
    """Three classes of 30, 3 and 20 pictures of 12x12 pixels; every second one is in train."""
    pixels = np.random.default_rng(1).integers(0, 256, (len(LABELS), 12, 12, 3), np.uint8)
    manifest = SimpleNamespace(class_names=("a", "b", "c"), labels=LABELS, shown_path=lambda i: f"{i}.png")
    splits = SimpleNamespace(ids={"train": np.arange(0, len(LABELS), 2)})
    return SimpleNamespace(manifest=manifest, splits=splits, pixels=PackedPixels(pixels, PixelFormat(12)))


@pytest.fixture
def drawn(monkeypatch):
    """What the sheets ask contact_sheet for: images, captions, columns."""
    asked = []
    monkeypatch.setattr(sheets, "contact_sheet", lambda *arguments: asked.append(arguments) or b"png")
    return asked


def test_deep_pictures_are_shown_by_their_full_scale(data, drawn):
    deep = data.pixels.read(np.arange(len(LABELS)))[..., :1].astype(np.uint16) * 10
    data.pixels = PackedPixels(deep, PixelFormat(12, 1, 16, full_scale=2000))
    sample_sheet(data)
    augmentation_sheet(data, AugmentOptions(), seed=4, rows=3)
    for (images, captions, _), every in zip(drawn, (1, AUGMENTED_COLUMNS), strict=True):
        shown = [int(caption.split("\n")[-1].removesuffix(".png")) for caption in captions[::every]]
        plain = images[::every]
        np.testing.assert_allclose(plain, np.minimum(deep[shown], 2000) / 2000, atol=1e-6)


def test_samples_are_spread_over_the_classes_of_train(data, drawn):
    assert sample_sheet(data) == b"png"
    images, captions, columns = drawn[0]
    shown = [int(caption.split("\n")[1].removesuffix(".png")) for caption in captions]
    assert columns == SAMPLE_COLUMNS
    assert all(i % 2 == 0 for i in shown)
    assert len(shown) == len(set(shown)) == len(images)
    # Eight a class, from its first to its last; the small class gives the two that it has.
    assert np.bincount(LABELS[shown]).tolist() == [8, 2, 8]
    assert {0, 28, 34, 52} <= set(shown)
    assert [caption.split("\n")[0] for caption in captions] == ["abc"[LABELS[i]] for i in shown]
    np.testing.assert_allclose(images, data.pixels.read(shown) / 255, atol=1e-6)


def test_a_row_shows_the_picture_and_then_its_epochs(data, drawn):
    augmentation_sheet(data, AUGMENT_PRESETS["strong"], seed=4, rows=3)
    augmentation_sheet(data, AugmentOptions(), seed=4, rows=3)
    (images, captions, columns), (plain, *_) = drawn
    assert columns == AUGMENTED_COLUMNS
    rows = images.reshape(3, AUGMENTED_COLUMNS, 12, 12, 3)
    shown = [int(caption.removesuffix(".png")) for caption in captions[::AUGMENTED_COLUMNS]]
    np.testing.assert_allclose(rows[:, 0], data.pixels.read(shown) / 255, atol=1e-6)
    assert captions[1:AUGMENTED_COLUMNS] == [f"epoch {epoch}" for epoch in range(1, AUGMENTED_COLUMNS)]
    tiles = rows.reshape(3 * AUGMENTED_COLUMNS, -1)
    assert len(np.unique(tiles.round(4), axis=0)) == len(tiles)
    flat = plain.reshape(3, AUGMENTED_COLUMNS, -1)
    np.testing.assert_allclose(flat, np.repeat(flat[:, :1], AUGMENTED_COLUMNS, axis=1), atol=1e-6)
