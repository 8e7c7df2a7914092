"""Whether a place can be written to, before there is anything to write."""

import contextlib
import errno
import os
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from base import durable
from base.errors import UserError, one_line

_PATTERN = "*?[\\"
_DRAWN = 8  # letters that tempfile draws for the end of a name


def check_plain(what: str, path: Path) -> None:
    """Raises UserError, which begins with `what`, where TensorFlow would not find again what it writes to `path`.

    Its event files want UTF-8. Its SavedModels are looked for by a pattern of file names: "[x]" does not match itself
    (tensorflow/core/util/tensor_slice_reader.cc), and "a*" matches its neighbours too.
    """
    text = str(path)
    odd = next((letter for letter in text if letter in _PATTERN), None)
    if odd:
        raise UserError(
            f"{what} {text!r}: TensorFlow takes {odd!r} for a pattern of names; give a path without "
            f"{' '.join(_PATTERN)} (from inside a folder that is called so, a relative one)"
        )
    try:
        text.encode()
    except UnicodeEncodeError:
        raise UserError(
            f"{what} '{one_line(bytes(path))}': TensorFlow writes only under names in UTF-8; give another path"
        ) from None


@contextlib.contextmanager
def naming(flag: str, path: Path, what: str = "folder") -> Iterator[None]:
    """An OSError of the block comes out as a UserError that names the flag, its value and `what` to give instead."""
    try:
        yield
    except OSError as error:
        raise UserError(f"{flag}={path} cannot be written: {error.strerror}; give another {what}") from None


def check_writable(path: Path) -> None:
    """Raises OSError where a file cannot or must not be written to `path`; leaves nothing.

    It must not where something else than a file is, nor into a SavedModel, which is loaded only as it was exported.
    """
    if path.is_dir():
        raise OSError(errno.EISDIR, os.strerror(errno.EISDIR))
    if path.exists() and not path.is_file():
        # What is written takes its name by a rename: /dev/null would be an ordinary file from then on.
        raise OSError(errno.EINVAL, "it is a device or a pipe, and no regular file")
    if any(is_saved_model(parent) for parent in path.absolute().parents):
        raise OSError(errno.EINVAL, "it lies in a SavedModel, which must stay as it was exported")
    place = next(parent for parent in path.absolute().parents if parent.exists())
    with tempfile.TemporaryFile(prefix=durable.TEMPORARY_PREFIX, dir=place):
        pass


def is_saved_model(folder: Path) -> bool:
    """Whether `folder` holds what TensorFlow exports a model as."""
    return (folder / "saved_model.pb").is_file()


def check_results(flag: str, folder: Path, tables: Mapping[str, bytes], pictures: Sequence[str]) -> None:
    """Raises UserError where results cannot be written to `folder`, or would replace a file that is none of ours.

    `tables` maps the name of each text file to how ours begin. Nothing in a picture tells whose it is: one is ours
    where all our tables are beside it, which are written first.
    """
    with naming(flag, folder):
        check_writable(folder / "results")
        strange = [name for name, beginning in tables.items() if not _begins(folder / name, beginning)]
        if not all((folder / name).exists() for name in tables):
            strange += [name for name in pictures if os.path.lexists(folder / name)]
    if strange:
        raise UserError(
            f"{flag}={folder} holds {strange[0]!r}, which this script did not write: give an empty or a new folder"
        )


def _begins(path: Path, beginning: bytes) -> bool:
    """Whether nothing would be lost at `path` but a file that begins so."""
    if not os.path.lexists(path):
        return True
    if not path.is_file():
        return False
    with open(path, "rb") as file:
        return file.read(len(beginning)) in (beginning, b"")


def sweep(path: Path) -> None:
    """Deletes the temporary files that a killed process left of the file `path`, and nothing else."""
    with contextlib.suppress(FileNotFoundError):
        for name in os.listdir(path.parent):
            if name[:-_DRAWN] == durable.temporary_prefix(path) and (path.parent / name).is_file():
                (path.parent / name).unlink()
