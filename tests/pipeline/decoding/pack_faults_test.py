"""Packs that are damaged, planted, wanted by two processes at once, or for which there is no room."""

import errno
import os
import random
import shutil

import numpy as np
import pytest

from base import durable, locks
from pipeline.decoding import pack
from pipeline.decoding.pack import load_or_make_verdict, open_or_build_pack, pack_folder
from pipeline.decoding.pixel_format import PixelFormat
from tests.helpers.storage import file_size_limit, read_only
from tests.helpers.watches import Recording, Silence
from tests.pipeline.decoding.pack_test import explode, left

FORMAT = PixelFormat.square(16)


def agree(one, other) -> None:
    np.testing.assert_array_equal(np.asarray(one.pixels), np.asarray(other.pixels), strict=True)
    np.testing.assert_array_equal(one.verdict.peaks, other.verdict.peaks, strict=True)
    assert one.verdict.refused == other.verdict.refused


@pytest.mark.parametrize("name", ["pixels.bin", "verdict.npz"])
def test_flips_and_cuts_at_random_places_never_change_what_is_read(name, manifest, cache_dir):
    whole = open_or_build_pack(manifest, FORMAT, cache_dir, 2)
    whole = pack.Pack(np.array(whole.pixels), whole.verdict)
    folder = pack_folder(manifest, FORMAT, cache_dir)
    content, generator, noticed = (folder / name).read_bytes(), random.Random(len(name)), 0
    damaged = [content[: generator.randrange(len(content))] for _ in range(5)]
    for place in generator.sample(range(len(content)), 40):
        damaged.append(content[:place] + bytes([content[place] ^ 1 << generator.randrange(8)]) + content[place + 1 :])
    for version in damaged:
        (folder / name).write_bytes(version)
        opened = pack._open(folder, whole.pixels.shape, FORMAT)
        noticed += opened is None
        if opened is not None:
            agree(opened, whole)
    # Every byte of the pixels counts; among the table's are time stamps.
    assert noticed == len(damaged) if name == "pixels.bin" else noticed > 0.7 * len(damaged)
    (folder / name).write_bytes(damaged[0])
    watch = Recording()
    agree(open_or_build_pack(manifest, FORMAT, cache_dir, 2, watch), whole)
    assert watch.lines == [f"cache       the pack {folder} is damaged: decoding again"]
    assert left(cache_dir) == [folder.name]


def test_a_pack_that_another_process_finishes_meanwhile_is_used(manifest, cache_dir, tmp_path, monkeypatch):
    whole = open_or_build_pack(manifest, FORMAT, tmp_path / "other", 2)
    folder = pack_folder(manifest, FORMAT, cache_dir)
    folder.parent.mkdir(parents=True)
    held = locks.acquire(folder.with_name(folder.name + locks.SUFFIX))

    def finish():
        shutil.copytree(pack_folder(manifest, FORMAT, tmp_path / "other"), folder)
        held.close()

    monkeypatch.setattr(pack, "check_pictures", explode)
    watch = Recording(finish)
    agree(open_or_build_pack(manifest, FORMAT, cache_dir, 2, watch), whole)
    assert watch.lines == [f"cache       another process is packing the same pictures into {folder}: waiting for it"]
    assert watch.steps == []
    assert left(cache_dir) == [folder.name]


def test_a_killed_packer_leaves_no_lock_and_its_part_is_removed(manifest, cache_dir):
    folder = pack_folder(manifest, FORMAT, cache_dir)
    for name in (folder.name, "0123456789abcdef0123456789abcdef"):  # the second one had packed other pictures
        (cache_dir / "packs" / f".incomplete-{name}-x").mkdir(parents=True)
        (cache_dir / "packs" / f".incomplete-{name}-x" / "pixels.bin").write_bytes(b"half")
        (cache_dir / "packs" / f"{name}{locks.SUFFIX}").write_text("")
    open_or_build_pack(manifest, FORMAT, cache_dir, 2, Silence())
    assert left(cache_dir) == [folder.name]


def test_junk_beside_the_packs_is_left_alone(manifest, cache_dir):
    (cache_dir / "packs" / "mine").mkdir(parents=True)
    (cache_dir / "packs" / "notes.txt").write_text("the user's")
    open_or_build_pack(manifest, FORMAT, cache_dir, 2)
    assert left(cache_dir) == sorted(["mine", "notes.txt", pack_folder(manifest, FORMAT, cache_dir).name])


@pytest.mark.parametrize("planted", ["file", "empty", "other"])
def test_what_lies_under_the_packs_name_is_replaced(planted, manifest, cache_dir):
    folder = pack_folder(manifest, FORMAT, cache_dir)
    folder.parent.mkdir(parents=True)
    if planted == "file":
        folder.write_text("no folder")
    else:
        folder.mkdir()
    if planted == "other":
        durable.write_arrays(folder / "verdict.npz", {"refused": np.arange(3), "checksums": np.arange(2)})
        (folder / "pixels.bin").write_bytes(b"\0" * 5 * FORMAT.nbytes)
    assert len(open_or_build_pack(manifest, FORMAT, cache_dir, 2).pixels) == 5
    assert left(cache_dir) == [folder.name]


def test_no_room_for_the_pixels_is_an_error_before_the_first_picture(manifest, cache_dir, monkeypatch):
    monkeypatch.setattr(pack, "check_pictures", explode)
    with file_size_limit(2 * FORMAT.nbytes), pytest.raises(durable.WriteError, match="File too large") as caught:
        open_or_build_pack(manifest, FORMAT, cache_dir, 2)
    assert caught.value.filename == str(pack_folder(manifest, FORMAT, cache_dir))
    assert left(cache_dir) == []


def test_a_full_disk_is_an_error_before_the_first_picture(manifest, small_disk, monkeypatch):
    with monkeypatch.context() as patch:
        patch.setattr(pack, "check_pictures", explode)
        with pytest.raises(durable.WriteError, match="No space left"):
            open_or_build_pack(manifest, PixelFormat.square(512), small_disk, 2)
    assert left(small_disk) == []
    assert len(open_or_build_pack(manifest, FORMAT, small_disk, 2).pixels) == 5


def test_a_disk_that_fails_while_it_is_flushed_is_an_error(manifest, cache_dir, monkeypatch):
    def fail(handle):
        raise OSError(errno.EIO, "Input/output error")

    with monkeypatch.context() as patch:
        patch.setattr(durable.os, "fsync", fail)
        with pytest.raises(durable.WriteError, match="Input/output error"):
            open_or_build_pack(manifest, FORMAT, cache_dir, 2)
    assert left(cache_dir) == []


def test_a_read_only_cache_is_read_and_never_written(manifest, small_disk, monkeypatch):
    open_or_build_pack(manifest, FORMAT, small_disk, 2)
    other = PixelFormat.square(17)
    with read_only(small_disk):
        with pytest.raises(durable.WriteError, match="Read-only file system"):
            open_or_build_pack(manifest, other, small_disk, 2)
        watch = Recording()
        assert list(load_or_make_verdict(manifest, other, small_disk, 2, watch).refused) == [3]
        assert ["Read-only file system" in line for line in watch.lines] == [True]
        monkeypatch.setattr(pack, "check_pictures", explode)
        assert len(open_or_build_pack(manifest, FORMAT, small_disk, 2, Silence()).pixels) == 5


def test_a_verdict_that_another_process_finishes_meanwhile_is_used(manifest, cache_dir, tmp_path, monkeypatch):
    whole = load_or_make_verdict(manifest, FORMAT, tmp_path / "other", 2)
    (other,) = (tmp_path / "other" / "verdicts").iterdir()
    (cache_dir / "verdicts").mkdir(parents=True)
    held = locks.acquire(cache_dir / "verdicts" / f"{other.name}{locks.SUFFIX}")

    def finish():
        shutil.copy(other, cache_dir / "verdicts")
        held.close()

    monkeypatch.setattr(pack, "check_pictures", explode)
    watch = Recording(finish)
    found = load_or_make_verdict(manifest, FORMAT, cache_dir, 2, watch)
    assert (found.refused, watch.steps) == (whole.refused, [])
    assert watch.lines == ["cache       another process is decoding the same pictures once: waiting for it"]
    assert os.listdir(cache_dir / "verdicts") == [other.name]


def test_what_a_process_left_that_was_killed_in_writing_its_verdict_is_removed(manifest, cache_dir):
    name = f"{pack_folder(manifest, FORMAT, cache_dir).name}.npz"
    (cache_dir / "verdicts").mkdir(parents=True)
    (cache_dir / "verdicts" / f".incomplete-{name}-x").write_text("half")
    (cache_dir / "verdicts" / f"{name}{locks.SUFFIX}").write_text("")
    load_or_make_verdict(manifest, FORMAT, cache_dir, 2, Silence())
    assert os.listdir(cache_dir / "verdicts") == [name]


def test_a_verdict_of_another_length_is_made_again(manifest, cache_dir):
    first = load_or_make_verdict(manifest, FORMAT, cache_dir, 2)
    (store,) = (cache_dir / "verdicts").iterdir()
    arrays = first.to_arrays()
    durable.write_arrays(store, arrays | {"peaks": arrays["peaks"][:3]})
    watch = Recording()
    again = load_or_make_verdict(manifest, FORMAT, cache_dir, 2, watch)
    assert (len(watch.steps), len(again.peaks)) == (5, 5)
    assert os.listdir(cache_dir / "verdicts") == [store.name]
