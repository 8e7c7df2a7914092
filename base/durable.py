"""Whole-or-absent writes.

A reader of anything written here sees the old content or the new, never a half: the bytes go to a temporary
name in the same folder, are flushed to the disk, and take the final name by one rename. POSIX `rename` is atomic
within a file system; the parent folder is flushed too, because a rename that only the page cache knows is lost
with the power. A folder that is there already changes places with the new one in one call where Linux can do that
(renameat2(2), RENAME_EXCHANGE); elsewhere it steps aside under a name by which it is found again.
"""

import contextlib
import csv
import ctypes
import errno
import hashlib
import io
import json
import os
import shutil
import tempfile
import zipfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path

import numpy as np

from base import kill_points

TEMPORARY_PREFIX = ".incomplete-"
ASIDE_PREFIX = ".replaced-"  # a whole folder, for the moment in which another takes its name
_NAME_SHOWN = 40  # characters of the final name in a temporary one; file systems allow 255 bytes in all
_AT_FDCWD, _RENAME_EXCHANGE = -100, 2  # linux/fcntl.h, linux/fs.h


class WriteError(OSError):
    """What had to be written could not be: `filename` is what, `strerror` why. What was there before still is."""

    def __init__(self, path: str | Path, cause: OSError):
        super().__init__(cause.errno, cause.strerror or str(cause), str(path))


def write_bytes(path: str | Path, data: bytes | memoryview) -> None:
    """Replaces the file at `path` by `data`, whole or not at all.

    Raises WriteError where the folder cannot be written or the disk is full; the old file is then untouched.
    """
    path = Path(path)
    with _named_errors(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, temporary = tempfile.mkstemp(prefix=temporary_prefix(path), dir=path.parent)
        try:
            with os.fdopen(handle, "wb") as file:
                file.write(data)
                file.flush()
                kill_points.reach("file.written")
                os.fsync(file.fileno())
                # mkstemp makes 0600; a result that only its owner can read surprises whoever shares the folder.
                os.fchmod(file.fileno(), 0o666 & ~_umask())
            kill_points.reach("file.flushed")
            os.replace(temporary, path)
            kill_points.reach("file.renamed")
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
        with zipfile.ZipFile(path) as saved:
            # Each member as a whole: a header that says less than the file holds would keep the CRC from being asked.
            contents = {name.removesuffix(".npy"): saved.read(name) for name in saved.namelist()}
        return {name: np.lib.format.read_array(io.BytesIO(content)) for name, content in contents.items()}
    except OSError:
        raise
    except Exception as error:  # zipfile and numpy have seven types for what a flipped bit can do
        raise OSError(f"{str(path)!r} is damaged: {error}") from error


@contextlib.contextmanager
def whole_directory(path: str | Path) -> Iterator[Path]:
    """Yields a temporary folder beside `path` that takes its name when the block ends well.

    Every file in it is flushed first. An existing folder at `path` is replaced and then deleted. If the block raises,
    nothing is left and the old folder stands; an OSError comes out as a WriteError.
    """
    path = Path(path)
    with _named_errors(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        _bring_back(path)
        temporary = Path(tempfile.mkdtemp(prefix=temporary_prefix(path), dir=path.parent))
        try:
            temporary.chmod(0o777 & ~_umask())
            yield temporary
            kill_points.reach("folder.written")
            _sync_tree(temporary)
            kill_points.reach("folder.flushed")
            _swap_in(temporary, path)
            kill_points.reach("folder.renamed")
        except BaseException:
            _remove(temporary)
            raise
        _sync_directory(path.parent)


def sha256_file(path: str | Path) -> str:
    """The SHA-256 of a file's bytes, in hexadecimal."""
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def temporary_prefix(path: Path) -> str:
    """How the names of the temporaries for `path` begin."""
    return f"{TEMPORARY_PREFIX}{path.name[:_NAME_SHOWN]}-"


def remove_leftovers(directory: str | Path, prefix: str = TEMPORARY_PREFIX) -> None:
    """Deletes the temporaries that a killed process left in `directory`, if their names begin so.

    A folder of such a name that stood aside when its process was killed gets its name back.
    """
    for aside in Path(directory).glob(ASIDE_PREFIX + "*"):
        path = aside.with_name(aside.name.removeprefix(ASIDE_PREFIX))
        if temporary_prefix(path).startswith(prefix):
            _bring_back(path)
    for leftover in Path(directory).glob(TEMPORARY_PREFIX + "*"):
        if leftover.name.startswith(prefix):
            _remove(leftover)


@contextlib.contextmanager
def _named_errors(path: Path) -> Iterator[None]:
    """An OSError of the block comes out as a WriteError of `path`, unless it names a file of another place."""
    try:
        yield
    except OSError as error:
        if isinstance(error.filename, str | bytes):
            named, place = os.path.abspath(os.fsdecode(error.filename)), os.path.abspath(path.parent)
            if not named.startswith(place) and not place.startswith(named):
                raise
        raise WriteError(path, error) from error


def _swap_in(temporary: Path, path: Path) -> None:
    if not path.exists():
        os.replace(temporary, path)
    elif _exchange(temporary, path):
        _remove(temporary)
    else:
        # rename(2) refuses a folder that is not empty, so the old one steps aside for the moment between the two.
        aside = path.with_name(ASIDE_PREFIX + path.name)
        os.replace(path, aside)
        try:
            os.replace(temporary, path)
        finally:
            _bring_back(path)


def _exchange(one: Path, other: Path) -> bool:
    """Swaps two names in one step; False where the system or the file system cannot."""
    try:
        renameat2 = ctypes.CDLL(None, use_errno=True).renameat2
    except (AttributeError, OSError):  # before glibc 2.28, or no Linux
        return False
    if renameat2(_AT_FDCWD, os.fsencode(one), _AT_FDCWD, os.fsencode(other), _RENAME_EXCHANGE) == 0:
        return True
    number = ctypes.get_errno()
    if number in (errno.EINVAL, errno.ENOSYS, errno.ENOTSUP):
        return False
    raise OSError(number, os.strerror(number))


def _bring_back(path: Path) -> None:
    """Ends what a kill between the two renames began: the folder that stands aside takes its name again, or goes."""
    aside = path.with_name(ASIDE_PREFIX + path.name)
    if aside.exists():
        if path.exists():
            _remove(aside)
        else:
            os.replace(aside, path)


def _remove(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path, ignore_errors=True)
    else:
        with contextlib.suppress(OSError):
            path.unlink()


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
