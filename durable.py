"""Whole-or-absent writes.

A reader of anything written here sees the old content or the new, never a half: the bytes go to a temporary
name in the same folder, are flushed to the disk, and take the final name by one rename. POSIX `rename` is atomic
within a file system; the parent folder is flushed too, because a rename that only the page cache knows is lost
with the power.
"""

import contextlib
import csv
import hashlib
import io
import json
import os
import shutil
import tempfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path

import numpy as np

TEMPORARY_PREFIX = ".incomplete-"


def write_bytes(path: str | Path, data: bytes | memoryview) -> None:
    """Replaces the file at `path` by `data`, whole or not at all.

    Raises OSError where the folder cannot be written or the disk is full; the old file is then untouched.
    """
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, temporary = tempfile.mkstemp(prefix=TEMPORARY_PREFIX, dir=path.parent)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
            # mkstemp makes 0600; a result that only its owner can read surprises whoever shares the folder.
            os.fchmod(file.fileno(), 0o666 & ~_umask())
        os.replace(temporary, path)
    except BaseException:
        with contextlib.suppress(OSError):
            os.unlink(temporary)
        raise
    _sync_directory(path.parent)


def write_text(path: str | Path, text: str) -> None:
    """`write_bytes` of `text` in UTF-8; file names that are not UTF-8 travel as surrogate escapes."""
    write_bytes(path, text.encode("utf-8", "surrogateescape"))


def write_json(path: str | Path, value: object) -> None:
    """`write_text` of `value` as indented JSON; raises ValueError for NaN, which JSON has no word for."""
    write_text(path, json.dumps(value, indent=2, allow_nan=False) + "\n")


def write_csv(path: str | Path, rows: Iterable[Sequence]) -> None:
    """`write_text` of `rows` (the first one names the columns) as comma-separated values, a line feed after each."""
    text = io.StringIO()
    plain = csv.writer(text, lineterminator="\n")
    # Python's csv leaves a carriage return bare, which every reader takes for the end of a row; file names have them.
    quoted = csv.writer(text, lineterminator="\n", quoting=csv.QUOTE_ALL)
    for row in rows:
        writer = quoted if any("\r" in str(field) for field in row) else plain
        writer.writerow(row)
    write_text(path, text.getvalue())


def write_arrays(path: str | Path, arrays: Mapping[str, np.ndarray]) -> None:
    """Writes named arrays as an uncompressed .npz (each member carries a CRC-32); see `read_arrays`."""
    write_bytes(path, encode_arrays(arrays))


def encode_arrays(arrays: Mapping[str, np.ndarray]) -> memoryview:
    """The bytes of `write_arrays`, for a file in a `whole_directory`, which needs no rename and no flush of its own."""
    buffer = io.BytesIO()
    np.savez(buffer, allow_pickle=False, **arrays)
    return buffer.getbuffer()


def read_arrays(path: str | Path) -> dict[str, np.ndarray]:
    """What `write_arrays` wrote; raises OSError where the file is absent, cut short or has a flipped bit."""
    try:
        with np.load(path, allow_pickle=False) as saved:
            return dict(saved)
    except OSError:
        raise
    except Exception as error:  # zipfile and numpy have seven types for what a flipped bit can do
        raise OSError(f"{str(path)!r} is damaged: {error}") from error


@contextlib.contextmanager
def whole_directory(path: str | Path) -> Iterator[Path]:
    """Yields a temporary folder beside `path` that takes its name when the block ends well.

    Every file in it is flushed first. An existing folder at `path` is replaced: it is moved aside, the new one is
    renamed, the old one deleted. If the block raises, nothing is left and the old folder stands.
    """
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = Path(tempfile.mkdtemp(prefix=TEMPORARY_PREFIX, dir=path.parent))
    try:
        temporary.chmod(0o777 & ~_umask())
        yield temporary
        _sync_tree(temporary)
        _swap_in(temporary, path)
    except BaseException:
        shutil.rmtree(temporary, ignore_errors=True)
        raise
    _sync_directory(path.parent)


def sha256_file(path: str | Path) -> str:
    """The SHA-256 of a file's bytes, in hexadecimal."""
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def remove_leftovers(directory: str | Path) -> list[str]:
    """Deletes the temporaries that a killed process left in `directory`; returns their names."""
    leftovers = sorted(Path(directory).glob(TEMPORARY_PREFIX + "*"))
    for leftover in leftovers:
        if leftover.is_dir():
            shutil.rmtree(leftover, ignore_errors=True)
        else:
            leftover.unlink(missing_ok=True)
    return [leftover.name for leftover in leftovers]


def _swap_in(temporary: Path, path: Path) -> None:
    if path.exists():
        # rename(2) refuses a folder that is not empty, so the old one steps aside for the moment between the two.
        aside = Path(tempfile.mkdtemp(prefix=TEMPORARY_PREFIX, dir=path.parent))
        os.replace(path, aside / path.name)
        try:
            os.replace(temporary, path)
        except BaseException:
            os.replace(aside / path.name, path)
            os.rmdir(aside)
            raise
        shutil.rmtree(aside, ignore_errors=True)
    else:
        os.replace(temporary, path)


def _sync_tree(directory: Path) -> None:
    for folder, _, names in os.walk(directory):
        for name in names:
            with open(os.path.join(folder, name), "rb") as file:
                os.fsync(file.fileno())
        _sync_directory(Path(folder))


def _sync_directory(directory: Path) -> None:
    handle = os.open(directory, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _umask() -> int:
    # From the kernel: os.umask tells the mask by changing it, under the feet of every thread that makes a file then.
    with open("/proc/self/status", encoding="utf-8") as status:
        return int(next(line for line in status if line.startswith("Umask:")).split()[1], 8)
