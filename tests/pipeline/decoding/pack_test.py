"""The pack: named by content, whole or absent, and never believed without its checksums."""

import dataclasses
import itertools
import os

import numpy as np
import pytest
import tensorflow as tf

from base import row_file
from pipeline.decoding import pack
from pipeline.decoding.decode import decode_image
from pipeline.decoding.pack import load_or_make_verdict, open_or_build_pack, pack_key
from pipeline.decoding.pixel_format import PixelFormat
from pipeline.sources.folders import catalog_of_folder
from pipeline.sources.index import build_index
from tests.conftest import random_picture, write_picture
from tests.helpers.watches import Recording

FORMAT = PixelFormat.square(16)


def explode(*_, **__):
    raise AssertionError("the pictures were decoded again")


def left(cache_dir) -> list[str]:
    """What lies in the packs folder, temporaries included."""
    return sorted(os.listdir(cache_dir / "packs")) if (cache_dir / "packs").exists() else []


def expected_pixels(manifest, pixel_format=FORMAT) -> np.ndarray:
    """Decoded one by one; zeros for the one that cannot be."""
    pictures = np.zeros((5, *pixel_format.shape), pixel_format.dtype)
    for example_id in (0, 1, 2, 4):
        pictures[example_id] = decode_image(tf.io.read_file(manifest.source.path(example_id)), pixel_format).numpy()
    return pictures


@pytest.mark.parametrize("pixel_format", [FORMAT, PixelFormat.square(16, 1, 16)])
@pytest.mark.parametrize("threads", [1, 2])
def test_it_holds_every_picture_and_the_verdict(manifest, cache_dir, pixel_format, threads):
    built = open_or_build_pack(manifest, pixel_format, cache_dir, threads)
    np.testing.assert_array_equal(np.asarray(built.pixels), expected_pixels(manifest, pixel_format), strict=True)
    assert list(built.verdict.refused) == [3]
    assert built.verdict.refused[3].startswith("cannot be decoded")
    assert left(cache_dir) == [pack_key(manifest, pixel_format)]
    assert not built.pixels.flags.writeable


def test_a_second_opening_decodes_nothing_and_gives_the_same(manifest, cache_dir, monkeypatch):
    built = open_or_build_pack(manifest, FORMAT, cache_dir, 2)
    monkeypatch.setattr(pack, "check_pictures", explode)
    opened = open_or_build_pack(manifest, FORMAT, cache_dir, 2)
    np.testing.assert_array_equal(opened.pixels, built.pixels)
    assert opened.verdict.refused == built.verdict.refused
    np.testing.assert_array_equal(opened.verdict.peaks, built.verdict.peaks)


def test_progress_counts_every_picture(manifest, cache_dir):
    watch = Recording()
    open_or_build_pack(manifest, FORMAT, cache_dir, 2, watch)
    assert watch.steps == [(done, 5, "decoding") for done in (1, 2, 3, 4, 5)]


def test_the_key_follows_contents_format_and_decoder_alone(manifest, picture_tree, index_of, monkeypatch):
    root = picture_tree({})
    key = pack_key(manifest, FORMAT)
    os.utime(root / "a" / "0000.jpg", (1, 1))
    (root / "a" / "0000.jpg").rename(root / "a" / "0000x.jpg")
    assert pack_key(index_of(root), FORMAT) == key
    assert pack_key(manifest, dataclasses.replace(FORMAT, full_scale=200)) == key
    others = [PixelFormat.square(*arguments) for arguments in [(17,), (16, 1), (16, 3, 16), (16, 3, 8)]]
    keys = {pack_key(manifest, other) for other in others}
    with monkeypatch.context() as patch:
        patch.setattr(pack, "DECODE_VERSION", pack.DECODE_VERSION + 1)
        keys.add(pack_key(manifest, FORMAT))
    content = bytearray((root / "a" / "0001.png").read_bytes())
    content[-1] ^= 1
    (root / "a" / "0001.png").write_bytes(content)
    keys.add(pack_key(index_of(root), FORMAT))
    write_picture(root / "b" / "new.png", random_picture(99))
    keys.add(pack_key(index_of(root), FORMAT))
    assert len(keys) == 7
    assert key in keys  # PixelFormat.square(16, 3, 8)


@pytest.mark.parametrize("damage", ["cut", "flip", "empty", "gone"])
@pytest.mark.parametrize("name", ["pixels.bin", "verdict.npz"])
def test_a_damaged_pack_is_built_again(manifest, cache_dir, name, damage):
    built = np.array(open_or_build_pack(manifest, FORMAT, cache_dir, 2).pixels)
    path = cache_dir / "packs" / pack_key(manifest, FORMAT) / name
    content = bytearray(path.read_bytes())
    if damage == "cut":
        path.write_bytes(content[:-1])
    elif damage == "flip":
        content[len(content) // 3] ^= 16
        path.write_bytes(content)
    elif damage == "empty":
        path.write_bytes(b"")
    else:
        path.unlink()
    watch = Recording()
    again = open_or_build_pack(manifest, FORMAT, cache_dir, 2, watch)
    assert len(watch.steps) == 5
    np.testing.assert_array_equal(again.pixels, built)
    assert list(again.verdict.refused) == [3]
    assert left(cache_dir) == [pack_key(manifest, FORMAT)]


def test_every_picture_of_the_pack_is_guarded(manifest, cache_dir):
    open_or_build_pack(manifest, FORMAT, cache_dir, 2)
    path = cache_dir / "packs" / pack_key(manifest, FORMAT) / "pixels.bin"
    whole = path.read_bytes()
    for example_id in range(5):
        content = bytearray(whole)
        content[example_id * FORMAT.nbytes + 5] ^= 1
        path.write_bytes(content)
        assert pack._open(path.parent, (5, *FORMAT.shape), FORMAT) is None
    path.write_bytes(whole)
    assert pack._open(path.parent, (5, *FORMAT.shape), FORMAT) is not None


@pytest.mark.parametrize("error", [KeyboardInterrupt, MemoryError])
def test_an_interruption_midway_leaves_nothing(manifest, cache_dir, error):
    asked = itertools.count(1)

    def stop():
        if next(asked) == 3:
            raise error

    with pytest.raises(error):
        open_or_build_pack(manifest, FORMAT, cache_dir, 2, Recording(stop))
    assert left(cache_dir) == []
    assert len(open_or_build_pack(manifest, FORMAT, cache_dir, 2).pixels) == 5


def test_a_full_disk_is_met_before_the_first_picture(manifest, cache_dir, monkeypatch):
    # A write through the map of a file with holes would end the process by SIGBUS instead.
    def full(handle, offset, size):
        assert (offset, size) == (0, 5 * FORMAT.nbytes)
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(row_file.os, "posix_fallocate", full)
    monkeypatch.setattr(pack, "check_pictures", explode)
    with pytest.raises(OSError, match="No space"):
        open_or_build_pack(manifest, FORMAT, cache_dir, 2)
    assert left(cache_dir) == []


def test_a_cache_folder_that_cannot_be_written_is_an_os_error(manifest, cache_dir):
    cache_dir.mkdir()
    (cache_dir / "packs").write_text("a file where the folder should be")
    with pytest.raises(OSError, match="packs"):
        open_or_build_pack(manifest, FORMAT, cache_dir, 2)


def test_a_disk_that_does_not_keep_what_is_written_is_an_os_error(manifest, cache_dir, monkeypatch):
    monkeypatch.setattr(pack, "_open", lambda *_: None)
    with pytest.raises(OSError, match="damaged as soon as it is written"):
        open_or_build_pack(manifest, FORMAT, cache_dir, 2)


def test_the_verdict_alone_is_kept_and_made_again_when_damaged(manifest, cache_dir, monkeypatch):
    watch = Recording()
    first = load_or_make_verdict(manifest, FORMAT, cache_dir, 2, watch)
    assert len(watch.steps) == 5
    assert list(first.refused) == [3]
    assert left(cache_dir) == []
    with monkeypatch.context() as patch:
        patch.setattr(pack, "check_pictures", explode)
        again = load_or_make_verdict(manifest, FORMAT, cache_dir, 2)
    assert again.refused == first.refused
    np.testing.assert_array_equal(again.peaks, first.peaks)
    (store,) = (cache_dir / "verdicts").iterdir()
    for content in (store.read_bytes()[:-40], b"", b"PK\3\4", b"\x93NUMPY"):
        store.write_bytes(content)
        assert load_or_make_verdict(manifest, FORMAT, cache_dir, 2).refused == first.refused


def test_a_verdict_that_cannot_be_kept_is_given_all_the_same(manifest, cache_dir):
    cache_dir.mkdir()
    (cache_dir / "verdicts").write_text("a file where the folder should be")
    assert list(load_or_make_verdict(manifest, FORMAT, cache_dir, 2).refused) == [3]


def test_pack_and_verdict_alone_agree(picture_tree, tmp_path, cache_dir):
    root = picture_tree({"a": 4, "b": 4}, channels=1, bits=16, suffixes=[".png"])
    manifest, pixel_format = build_index(catalog_of_folder(root), tmp_path, 1), PixelFormat.square(16, 1, 16)
    packed = open_or_build_pack(manifest, pixel_format, cache_dir, 2).verdict
    alone = load_or_make_verdict(manifest, pixel_format, cache_dir, 2)
    np.testing.assert_array_equal(packed.peaks, alone.peaks)
    assert packed.refused == alone.refused == {}
