"""Whole or absent: what a reader finds after every kind of interruption."""

import csv
import errno
import json
import os
import stat

import numpy as np
import pytest

from base import durable
from tests.helpers.storage import SMALL_DISK_BYTES, file_size_limit, read_only


def names(folder) -> list[str]:
    """What lies in a folder, temporaries included."""
    return sorted(os.listdir(folder))


def test_written_bytes_are_read_back_and_nothing_else_is_left(tmp_path):
    path = tmp_path / "new" / "folder" / "file.bin"
    durable.write_bytes(path, b"first")
    durable.write_bytes(path, memoryview(b"second, longer"))
    assert path.read_bytes() == b"second, longer"
    assert names(path.parent) == ["file.bin"]


@pytest.mark.parametrize("broken", ["fsync", "replace"])
def test_a_failed_write_leaves_the_old_file_and_no_temporary(tmp_path, monkeypatch, broken):
    path = tmp_path / "file.txt"
    durable.write_text(path, "old")

    def fail(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(durable.os, broken, fail)
    with pytest.raises(OSError, match="No space"):
        durable.write_text(path, "new")
    monkeypatch.undo()
    assert path.read_text() == "old"
    assert names(tmp_path) == ["file.txt"]


def test_content_and_folder_are_flushed_and_the_rename_comes_between(tmp_path, monkeypatch):
    calls = []
    fsync, replace = os.fsync, os.replace

    def spy_fsync(handle):
        calls.append("folder" if stat.S_ISDIR(os.fstat(handle).st_mode) else "file")
        fsync(handle)

    monkeypatch.setattr(durable.os, "fsync", spy_fsync)
    monkeypatch.setattr(durable.os, "replace", lambda *paths: (calls.append("rename"), replace(*paths)))
    durable.write_bytes(tmp_path / "file", b"x")
    assert calls == ["file", "rename", "folder"]
    calls.clear()
    with durable.whole_directory(tmp_path / "whole") as folder:
        (folder / "part").write_bytes(b"y")
    assert calls == ["file", "folder", "rename", "folder"]


def test_files_have_the_permissions_of_the_umask(tmp_path):
    previous = os.umask(0o027)
    try:
        durable.write_bytes(tmp_path / "file", b"x")
        with durable.whole_directory(tmp_path / "folder"):
            pass
    finally:
        os.umask(previous)
    assert stat.S_IMODE((tmp_path / "file").stat().st_mode) == 0o640
    assert stat.S_IMODE((tmp_path / "folder").stat().st_mode) == 0o750


def test_text_keeps_names_that_are_not_utf8(tmp_path):
    durable.write_text(tmp_path / "text", os.fsdecode(b"caf\xe9 \xc3\xa9"))
    assert (tmp_path / "text").read_bytes() == b"caf\xe9 \xc3\xa9"


def test_json_refuses_nan_and_keeps_the_old_file(tmp_path):
    durable.write_json(tmp_path / "a.json", {"loss": 1.5})
    with pytest.raises(ValueError, match="JSON"):
        durable.write_json(tmp_path / "a.json", {"loss": float("nan")})
    assert json.loads((tmp_path / "a.json").read_text()) == {"loss": 1.5}


def test_csv_round_trips_every_separator(tmp_path):
    rows = [["path", "label"], ['a,"b"', "c\nd"], ["Icon\r", "x"], [" -lead", "é;\t"], ["", "7"]]
    durable.write_csv(tmp_path / "a.csv", rows)
    with open(tmp_path / "a.csv", newline="", encoding="utf-8") as file:
        assert list(csv.reader(file)) == rows
    assert (tmp_path / "a.csv").read_bytes().startswith(b"path,label\n")


def test_arrays_round_trip_and_every_flipped_bit_or_cut_is_noticed(tmp_path):
    path = tmp_path / "a.npz"
    arrays = {"ids": np.arange(5), "text": np.frombuffer(b"", np.uint8), "peaks": np.array([1, 65535], np.uint16)}
    durable.write_arrays(path, arrays)
    content = path.read_bytes()
    positions = range(0, len(content), 3)
    damaged = [content[:place] for place in positions]
    for place in positions:
        damaged.append(content[:place] + bytes([content[place] ^ 1 << place % 8]) + content[place + 1 :])
    noticed = 0
    for version in [content, *damaged]:
        path.write_bytes(version)
        try:
            read = durable.read_arrays(path)
        except OSError:
            noticed += 1
            continue
        # A flip may hit a time stamp or a padding byte, or hide a member: never a value.
        for name, value in read.items():
            np.testing.assert_array_equal(value, arrays[name], strict=True)
    assert noticed > len(damaged) / 2


def test_read_arrays_of_nothing_and_of_an_object_array(tmp_path):
    with pytest.raises(FileNotFoundError):
        durable.read_arrays(tmp_path / "absent.npz")
    np.savez(tmp_path / "pickled.npz", value=np.array([{}], object))
    with pytest.raises(OSError, match="damaged"):
        durable.read_arrays(tmp_path / "pickled.npz")


def test_sha256_of_a_file(tmp_path):
    (tmp_path / "abc").write_bytes(b"abc")  # FIPS 180-2, appendix B.1
    expected = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
    assert durable.sha256_file(tmp_path / "abc") == expected


@pytest.mark.parametrize("write", [durable.write_bytes, lambda path, data: durable.write_text(path, data.decode())])
def test_a_file_that_may_not_grow_is_named_and_the_old_one_stays(tmp_path, write):
    durable.write_bytes(tmp_path / "file", b"old")
    with file_size_limit(10_000), pytest.raises(durable.WriteError, match="File too large") as caught:
        write(tmp_path / "file", b"x" * 20_000)
    assert (caught.value.filename, caught.value.errno) == (str(tmp_path / "file"), errno.EFBIG)
    assert (tmp_path / "file").read_bytes() == b"old"
    assert names(tmp_path) == ["file"]


def test_a_full_disk_is_named_and_the_old_file_stays(small_disk):
    durable.write_bytes(small_disk / "file", b"old")
    with pytest.raises(durable.WriteError, match="No space left on device") as caught:
        durable.write_bytes(small_disk / "file", b"x" * SMALL_DISK_BYTES)
    assert caught.value.filename == str(small_disk / "file")
    assert (small_disk / "file").read_bytes() == b"old"
    assert names(small_disk) == ["file"]


def test_a_folder_that_cannot_be_made_above_the_file_is_a_write_error(small_disk):
    path = small_disk / "cache" / "verdicts" / "file"
    with read_only(small_disk), pytest.raises(durable.WriteError, match="Read-only file system") as caught:
        durable.write_bytes(path, b"x")
    assert caught.value.filename == str(path)


def test_a_long_name_has_room_for_its_temporary(tmp_path):
    durable.write_bytes(tmp_path / ("é" * 127), b"x")
    durable.write_bytes(tmp_path / ("n" * 255), b"x")
    assert names(tmp_path) == ["n" * 255, "é" * 127]


def test_every_flip_in_the_header_of_a_large_array_is_noticed(tmp_path):
    # A shape of 14,000 instead of 15,000 reads less than the member holds: its CRC must be asked for all the same.
    path, array = tmp_path / "a.npz", np.arange(15_000)
    durable.write_arrays(path, {"ids": array})
    content = path.read_bytes()
    for place in range(content.index(b"shape"), content.index(b"\n")):
        damaged = bytearray(content)
        damaged[place] ^= 1
        path.write_bytes(damaged)
        with pytest.raises(OSError, match="damaged"):
            durable.read_arrays(path)


def test_the_umask_is_read_and_never_changed(tmp_path, monkeypatch):
    # To set it, even for a moment, is to set it for every thread that makes a file in that moment.
    monkeypatch.setattr(durable.os, "umask", lambda _: pytest.fail("the umask was set"))
    durable.write_bytes(tmp_path / "file", b"x")
    with durable.whole_directory(tmp_path / "folder"):
        pass
    assert (tmp_path / "file").stat().st_mode & 0o600 == 0o600
