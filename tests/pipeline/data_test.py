"""From folders to checked, split and packed examples; every automatic choice, and every refusal."""

import collections

import numpy as np
import pytest
import tensorflow as tf

from base.errors import UserError
from pipeline import decoded
from pipeline.decoding.check import decoder
from pipeline.decoding.choose import KEEPS_PROPORTIONS
from pipeline.decoding.pixel_format import PixelFormat
from pipeline.options import DataOptions
from pipeline.pixels import PackedPixels, StreamedPixels
from pipeline.sources.folders import Catalog, Folder
from tests.helpers.watches import Recording

OPTIONS = DataOptions(image_size=16)
DiskUsage = collections.namedtuple("DiskUsage", "total used free")


def cut_in_half(path) -> None:
    content = path.read_bytes()
    path.write_bytes(content[: len(content) // 2])


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
    assert loaded.log_lines["pixels"] == "16x16x3, 8 bits a channel (20 files have color)"
    assert loaded.log_lines["cache"].startswith("pack: 0 MB of decoded pictures")


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
    monkeypatch.setattr(decoded.shutil, "disk_usage", lambda path: DiskUsage(0, 0, 2 * size))
    loaded = load(root)
    assert isinstance(loaded.pixels, StreamedPixels)
    assert "more than half of the free disk" in loaded.log_lines["cache"]
    monkeypatch.setattr(decoded.shutil, "disk_usage", lambda path: DiskUsage(0, 0, 2 * size + 1))
    assert isinstance(load(root).pixels, PackedPixels)


def test_a_pack_that_is_there_needs_no_free_disk(picture_tree, load, monkeypatch):
    root = picture_tree({"a": 2, "b": 2})
    load(root)
    monkeypatch.setattr(decoded.shutil, "disk_usage", lambda path: DiskUsage(0, 0, 0))
    loaded = load(root)
    assert isinstance(loaded.pixels, PackedPixels)
    assert "packed before" in loaded.log_lines["cache"]


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
    assert loaded.log_lines["cache"].startswith(
        f"none: warning, the pack could not be written to {tmp_path / 'cache'} ("
    )
    assert "None" not in text + loaded.log_lines["cache"]


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
    # 640 x 480 pixels, which a square would distort.
    assert loaded.pixels.pixel_format == PixelFormat.square(16, 1, 16, 4095, resize=KEEPS_PROPORTIONS)
    assert loaded.quarantine == ()
    assert loaded.splits.counts(loaded.manifest) == {"train": [180] * 3, "validation": [60] * 3, "test": [60] * 3}


@pytest.mark.parametrize("cache", ["pack", "none"])
def test_training_cuts_from_larger_pictures_and_nobody_else_sees_them(picture_tree, load, cache):
    root = picture_tree({"a": 5, "b": 5})
    cut_in_half(root / "b" / "0001.png")
    plain = load(root, cache=cache)
    loaded = load(root, cache=cache, pack_size=(20, 30))
    ids = np.concatenate(list(plain.splits.ids.values()))
    assert plain.train_pixels is plain.pixels
    np.testing.assert_array_equal(loaded.pixels.read(ids), plain.pixels.read(ids), strict=True)
    larger = PixelFormat(20, 30, background=(255, 255, 255), resize=plain.pixels.pixel_format.resize)
    assert loaded.train_pixels.pixel_format == larger
    for one, pixels in zip(ids, loaded.train_pixels.read(ids), strict=True):
        np.testing.assert_array_equal(pixels, decoder(larger)(tf.constant(loaded.manifest.read(one))))
    assert loaded.quarantine == plain.quarantine
    assert "crops" not in plain.log_lines
    assert loaded.log_lines["crops"].startswith(f"of training come from 20x30x3; {cache}: ")
    kind = PackedPixels if cache == "pack" else StreamedPixels
    assert isinstance(loaded.train_pixels, kind)
    assert isinstance(loaded.pixels, kind)


def test_larger_pictures_have_the_full_scale_of_the_others(shared_data, load):
    loaded = load(shared_data / "depth_signs", pack_size=24)
    assert loaded.pixels.pixel_format.full_scale == loaded.train_pixels.pixel_format.full_scale == 4095


def test_a_changed_picture_is_named_whoever_reads_it(picture_tree, load):
    root = picture_tree({"a": 4, "b": 4}, suffixes=[".png"])
    loaded = load(root, cache="none", pack_size=32)
    path = root / "a" / "0002.png"
    path.write_bytes(path.read_bytes() + b" ")
    for pixels in (loaded.pixels, loaded.train_pixels):
        with pytest.raises(UserError, match=r"'a/0002\.png' has changed"), loaded.naming_changes():
            pixels.read(np.arange(8))
