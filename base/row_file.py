"""Rows of numbers in a folder of the cache: one memory-mapped file, a checksum a row, whole or absent, made once.

Decoded pictures and their features are kept so. Nothing of it is believed without its checksums.
"""

import errno
import os
import zlib
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TypeVar

import numpy as np

from base import durable, locks
from base.watch import SILENT, Watch

CHECKSUMS = "checksums"
Opened = TypeVar("Opened")


class NewRows:
    """Rows that are being written, [rows, ...], all 0 at first; several threads may write different ones."""

    def __init__(self, path: Path, dtype: np.dtype, shape: tuple[int, ...]):
        """Makes the file at `path`; raises OSError where the disk has no room for all of it."""
        with open(path, "wb") as file:
            # Without this the file is a hole, and a full disk is met by a write through the map, which kills the
            # process.
            os.posix_fallocate(file.fileno(), 0, int(np.prod(shape, dtype=np.int64)) * np.dtype(dtype).itemsize)
        self._rows = np.memmap(path, dtype, "r+", shape=shape)
        self._checksums = np.full(shape[0], zlib.crc32(self._rows[0]), np.uint32)

    def write(self, row: int, values: np.ndarray) -> None:
        """Sets a row, once."""
        self._rows[row] = values
        self._checksums[row] = zlib.crc32(np.ascontiguousarray(values, self._rows.dtype))

    def close(self, table: Path, arrays: Mapping[str, np.ndarray] | None = None) -> None:
        """Writes the checksums, and what else is to be kept, to the .npz at `table`."""
        self._rows.flush()
        durable.write_arrays(table, {CHECKSUMS: self._checksums} | dict(arrays or {}))


def open_rows(path: Path, table: Path, dtype: np.dtype, shape: tuple[int, ...]) -> tuple[np.memmap, dict]:
    """(the rows, memory-mapped and read-only; the arrays of `table`).

    Raises OSError, ValueError or KeyError where one of the two is absent, cut short or has a flipped bit.
    """
    arrays = durable.read_arrays(table)
    rows = np.memmap(path, dtype, "r", shape=shape)
    # One pass at about 1 GB/s; it also brings the file into the page cache, where the first epoch wants it.
    if any(zlib.crc32(row) != checksum for row, checksum in zip(rows, arrays[CHECKSUMS], strict=True)):
        raise ValueError(f"{path.name} does not have its checksums")
    return rows, arrays


def open_or_make(
    folder: Path, open_whole: Callable[[], Opened | None], make: Callable[[Path], None], waiting: str, damaged: str,
    watch: Watch = SILENT,
) -> Opened:  # fmt: skip
    """What `open_whole` finds in `folder`, made now if that is None: it is not there, or is damaged.

    Args:
      make: writes the files into the folder that it is given, which then takes the name.
      waiting: a log line, said where another process is making it; this one then waits for that.
      damaged: a log line, said where something is there that cannot be used.

    Raises durable.WriteError where the folder cannot be written or the disk is full, Stopped where somebody asked for
    it; nothing is left then.
    """
    if (found := open_whole()) is not None:
        return found
    with locks.sole_maker(folder, waiting, watch):
        if (found := open_whole()) is not None:  # again: another process may have made it meanwhile
            return found
        if folder.exists():
            watch.say(damaged)
        with durable.whole_directory(folder) as temporary:
            make(temporary)
        if (found := open_whole()) is not None:
            return found
        raise durable.WriteError(folder, OSError(errno.EIO, "damaged as soon as it is written; check the disk"))
