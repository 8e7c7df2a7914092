"""Whether a place can be written to, before there is anything to write."""

import contextlib
import errno
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

import durable
from sources.errors import UserError, one_line

_PATTERN = "*?[\\"


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
    """Raises OSError where a file cannot be written to `path`, or there is what is no file; leaves nothing."""
    if path.is_dir():
        raise OSError(errno.EISDIR, os.strerror(errno.EISDIR))
    if path.exists() and not path.is_file():
        # What is written takes its name by a rename: /dev/null would be an ordinary file from then on.
        raise OSError(errno.EINVAL, "it is a device or a pipe, and no regular file")
    place = next(parent for parent in path.absolute().parents if parent.exists())
    with tempfile.TemporaryFile(prefix=durable.TEMPORARY_PREFIX, dir=place):
        pass
