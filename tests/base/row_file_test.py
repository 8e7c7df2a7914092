"""Rows in a file: none is believed without its checksum, and what is there is not made again."""

import os
import shutil

import numpy as np
import pytest

from base import durable, locks, row_file
from tests.helpers.watches import Recording, Silence

SHAPE = (5, 3, 4)
ROWS = np.random.default_rng(1).normal(size=SHAPE).astype(np.float32)


def build(folder, rows=ROWS, written=(0, 1, 2, 4)):
    """What a maker does; row 3 is never written."""
    new = row_file.NewRows(folder / "rows.bin", rows.dtype, rows.shape)
    for row in written:
        new.write(row, rows[row])
    new.close(folder / "table.npz", {"more": np.arange(3)})


def opened(folder, dtype=np.float32, shape=SHAPE):
    return row_file.open_rows(folder / "rows.bin", folder / "table.npz", dtype, shape)


def opened_or_none(folder):
    try:
        return opened(folder)
    except (OSError, ValueError, KeyError):
        return None


def make(folder, watch=None, build=build):
    return row_file.open_or_make(
        folder, lambda: opened_or_none(folder), build, "waiting", "damaged", watch or Silence()
    )


@pytest.mark.parametrize("dtype", [np.float32, np.uint8, np.uint16])
def test_rows_come_back_and_those_that_were_not_written_are_zero(tmp_path, dtype):
    rows = (ROWS * 100).astype(dtype)
    build(tmp_path, rows)
    read, arrays = opened(tmp_path, dtype)
    expected = rows.copy()
    expected[3] = 0
    np.testing.assert_array_equal(np.asarray(read), expected, strict=True)
    np.testing.assert_array_equal(arrays["more"], np.arange(3))
    assert not read.flags.writeable


def test_a_flipped_bit_in_any_row_is_seen(tmp_path):
    build(tmp_path)
    whole = (tmp_path / "rows.bin").read_bytes()
    for row in range(5):
        content = bytearray(whole)
        content[row * len(whole) // 5 + 7] ^= 1
        (tmp_path / "rows.bin").write_bytes(content)
        with pytest.raises(ValueError, match=r"rows\.bin does not have its checksums"):
            opened(tmp_path)


@pytest.mark.parametrize("shape", [(4, 3, 4), (5, 3, 3), (6, 3, 4)])
def test_rows_of_another_shape_are_refused(tmp_path, shape):
    build(tmp_path)
    with pytest.raises(ValueError):  # noqa: PT011 - of the checksums, their number, or the map
        opened(tmp_path, shape=shape)


def test_what_is_whole_is_not_made_again(tmp_path):
    calls = []

    def once(folder):
        calls.append(folder)
        build(folder)

    for _ in range(2):
        np.testing.assert_array_equal(make(tmp_path / "made", build=once)[0][0], ROWS[0])
    assert len(calls) == 1
    assert os.listdir(tmp_path) == ["made"]


@pytest.mark.parametrize("name", ["rows.bin", "table.npz"])
def test_what_is_damaged_is_made_again_and_said(tmp_path, name):
    make(tmp_path / "made")
    path = tmp_path / "made" / name
    path.write_bytes(path.read_bytes()[:-3])
    watch = Recording()
    np.testing.assert_array_equal(make(tmp_path / "made", watch)[0][4], ROWS[4])
    assert watch.lines == ["damaged"]
    assert opened_or_none(tmp_path / "made") is not None


def test_what_another_process_makes_meanwhile_is_used(tmp_path):
    make(tmp_path / "elsewhere")
    held = locks.acquire(tmp_path / f"made{locks.SUFFIX}")

    def finish():
        shutil.copytree(tmp_path / "elsewhere", tmp_path / "made")
        held.close()

    watch = Recording(finish)
    found = make(tmp_path / "made", watch, lambda folder: pytest.fail("made again"))
    np.testing.assert_array_equal(found[0][1], ROWS[1])
    assert watch.lines == ["waiting"]


def test_a_disk_that_does_not_keep_what_is_written_is_a_write_error(tmp_path):
    with pytest.raises(durable.WriteError, match="damaged as soon as it is written"):
        row_file.open_or_make(tmp_path / "made", lambda: None, build, "waiting", "damaged")


def test_no_room_is_met_before_the_first_row(tmp_path, monkeypatch):
    def full(handle, offset, size):
        assert (offset, size) == (0, ROWS.nbytes)
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(row_file.os, "posix_fallocate", full)
    with pytest.raises(durable.WriteError, match="No space left"):
        make(tmp_path / "made")
    assert os.listdir(tmp_path) == []
