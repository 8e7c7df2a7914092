"""From folders to checked, split and packed examples; every automatic choice, and every refusal."""

import collections
import dataclasses

import numpy as np
import pytest

from base.errors import UserError
from pipeline import data
from pipeline.data import choose_pixel_format
from pipeline.decoding.check import Verdict
from pipeline.decoding.pixel_format import PixelFormat
from pipeline.options import DataOptions
from pipeline.pixels import PackedPixels, StreamedPixels
from pipeline.sources.folders import Catalog, Folder
from pipeline.sources.splits import Splits
from tests.helpers.watches import Recording

OPTIONS = DataOptions(image_size=16)
DiskUsage = collections.namedtuple("DiskUsage", "total used free")


def cut_in_half(path) -> None:
    content = path.read_bytes()
    path.write_bytes(content[: len(content) // 2])


def fake_manifest(channels, bit_depth):
    """What `choose_pixel_format` looks at."""
    facts = np.zeros(len(channels), [("channels", np.uint8), ("bit_depth", np.uint8)])
    facts["channels"], facts["bit_depth"] = channels, bit_depth

    class Fake:
        def __len__(self):
            return len(channels)

    fake = Fake()
    fake.facts = facts
    return fake


def test_pictures_become_checked_split_and_packed_examples(picture_tree, load):
    root = picture_tree({"a": 10, "b": 10})
    (root / "a" / "notes.txt").write_text("x")
    cut_in_half(root / "b" / "0001.png")
    watch = Recording()
    loaded = load(root, watch)
    assert isinstance(loaded.pixels, PackedPixels)
    assert loaded.pixels.pixel_format.full_scale == 255
    assert [path for path, _ in loaded.quarantine] == [b"b/0001.png"]
    assert [path for path, _ in loaded.aside] == [b"a/notes.txt"]
    assert [len(loaded.splits.ids[name]) for name in ("train", "validation", "test")] == [11, 4, 4]
    refused = loaded.manifest.paths.index(b"b/0001.png")
    assert all(refused not in ids for ids in loaded.splits.ids.values())
    assert watch.steps == [(done, 20, "decoding") for done in range(1, 21)]
    assert loaded.log_lines[0] == "16x16x3, 8 bits a channel (20 files have color)"
    assert loaded.log_lines[1].startswith("pack: 0 MB of decoded pictures")


def test_without_a_pack_the_examples_are_the_same(picture_tree, load, tmp_path):
    root = picture_tree({"a": 6, "b": 6})
    cut_in_half(root / "b" / "0001.png")
    streamed = load(root, cache="none")
    assert isinstance(streamed.pixels, StreamedPixels)
    assert not (tmp_path / "cache" / "packs").exists()
    packed = load(root, cache="pack")
    assert isinstance(packed.pixels, PackedPixels)
    assert packed.quarantine == streamed.quarantine
    for name, ids in packed.splits.ids.items():
        np.testing.assert_array_equal(ids, streamed.splits.ids[name])


def test_a_pack_that_would_fill_the_disk_is_not_made(picture_tree, load, monkeypatch):
    size = 4 * PixelFormat.square(16).nbytes
    root = picture_tree({"a": 2, "b": 2})
    monkeypatch.setattr(data.shutil, "disk_usage", lambda path: DiskUsage(0, 0, 2 * size))
    loaded = load(root)
    assert isinstance(loaded.pixels, StreamedPixels)
    assert "more than half of the free disk" in loaded.log_lines[1]
    monkeypatch.setattr(data.shutil, "disk_usage", lambda path: DiskUsage(0, 0, 2 * size + 1))
    assert isinstance(load(root).pixels, PackedPixels)


def test_a_pack_that_is_there_needs_no_free_disk(picture_tree, load, monkeypatch):
    root = picture_tree({"a": 2, "b": 2})
    load(root)
    monkeypatch.setattr(data.shutil, "disk_usage", lambda path: DiskUsage(0, 0, 0))
    loaded = load(root)
    assert isinstance(loaded.pixels, PackedPixels)
    assert "packed before" in loaded.log_lines[1]


def test_a_pack_that_cannot_be_written_is_refused_or_done_without(picture_tree, load, tmp_path):
    root = picture_tree({"a": 2, "b": 2})
    (tmp_path / "cache").mkdir()
    (tmp_path / "cache" / "packs").write_text("a file where the folder should be")
    with pytest.raises(UserError) as caught:
        load(root, cache="pack")
    text = str(caught.value)
    assert text.startswith(f"--cache=pack: the pack cannot be written to {str(tmp_path / 'cache')!r} (")
    assert "--cache=none" in text
    loaded = load(root)
    assert isinstance(loaded.pixels, StreamedPixels)
    assert loaded.log_lines[1].startswith(f"none: warning, the pack could not be written to {tmp_path / 'cache'} (")
    assert "None" not in text + loaded.log_lines[1]


@pytest.mark.parametrize(
    ("channels", "bits", "mode", "depth", "expected", "word"),
    [
        ([1, 1, 2], [8, 8, 8], "auto", "auto", (1, 8), "every file is gray"),
        ([1, 1, 3], [8, 8, 8], "auto", "auto", (3, 8), "1 files have color"),
        ([1, 1, 4], [8, 8, 8], "grayscale", "auto", (1, 8), "asked for"),
        ([1, 1, 1], [8, 8, 8], "rgb", "auto", (3, 8), "asked for"),
        ([1, 1, 1, 1], [16, 16, 8, 8], "auto", "auto", (1, 16), "2 of 4 have 16 bits"),
        ([1, 1, 1], [16, 8, 8], "auto", "auto", (1, 8), "1 of 3 have 16 bits, cut to 8"),
        ([1, 1, 1], [16, 16, 16], "auto", "8", (1, 8), "every file is gray"),
        ([3, 3, 3], [8, 8, 8], "auto", "16", (3, 16), "3 files have color"),
    ],
)
def test_the_pixel_format_follows_the_files_or_the_flag(channels, bits, mode, depth, expected, word):
    options = dataclasses.replace(OPTIONS, color_mode=mode, bit_depth=depth)
    pixel_format, why = choose_pixel_format(fake_manifest(channels, bits), options)
    assert (pixel_format.channels, pixel_format.bit_depth) == expected
    assert word in why


@pytest.mark.parametrize(
    ("peaks", "asked", "expected"),
    [
        ([3400] * 1000, 0, 4095),
        ([4095] * 1000, 0, 4095),
        ([4096] * 1000, 0, 8191),
        ([3400] * 995 + [65535] * 5, 0, 4095),  # a few wild readings do not squeeze the rest
        ([65535] * 1000, 0, 65535),
        ([0] * 1000, 0, 255),
        ([3400] * 1000, 10_000, 10_000),
    ],
)
def test_full_scale_of_deep_pictures_holds_what_training_pictures_reach(peaks, asked, expected):
    options = dataclasses.replace(OPTIONS, full_scale=asked)
    # Only the training split counts: the others reach further.
    verdict = Verdict({}, np.array([*peaks, *[60000] * 200], np.uint16))
    splits = Splits({"train": np.arange(1000), "validation": np.arange(1000, 1100), "test": np.arange(1100, 1200)})
    pixel_format, why = data._choose_full_scale(options, PixelFormat.square(16, 1, 16), verdict, splits)
    assert pixel_format == PixelFormat.square(16, 1, 16, expected)
    assert str(expected) in why


def test_eight_bits_have_255_whatever_the_peaks():
    verdict, splits = Verdict({}, np.array([9], np.uint16)), Splits({"train": np.array([0])})
    expected = PixelFormat.square(16, full_scale=255), ""
    assert data._choose_full_scale(OPTIONS, PixelFormat.square(16), verdict, splits) == expected


def test_a_class_without_a_readable_picture_is_named_with_a_reason(picture_tree, load):
    root = picture_tree({"a": 2, "b": 0})
    with pytest.raises(UserError, match=r"class 'b' is empty: '.*/b' holds no picture that can be read; add some"):
        load(root)
    (root / "b" / "page.jpg").write_text("<html>404")
    with pytest.raises(UserError, match=r"class 'b' is empty.*refused 1 files, as 'b/page.jpg': an HTML page"):
        load(root)


def test_a_class_that_has_no_folder_at_all_is_named(picture_tree, load):
    root = picture_tree({"a": 2, "b": 2})
    catalog = Catalog(str(root).encode(), ("a", "b", "ghost"), (Folder(b"a", 0), Folder(b"b", 1)))
    with pytest.raises(UserError, match="class 'ghost' is empty"):
        load(catalog)


def test_real_depth_pictures_are_gray_deep_and_scaled_to_their_millimetres(shared_data, load):
    loaded = load(shared_data / "depth_signs")
    assert loaded.pixels.pixel_format == PixelFormat.square(16, 1, 16, full_scale=4095)
    assert loaded.quarantine == ()
    assert loaded.splits.counts(loaded.manifest) == {"train": [180] * 3, "validation": [60] * 3, "test": [60] * 3}
