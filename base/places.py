"""What a path may be, and how an error names the flag that gave it."""

import contextlib
from collections.abc import Iterator
from pathlib import Path

from base.errors import UserError, one_line

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


def is_saved_model(folder: Path) -> bool:
    """Whether TensorFlow would take the folder for a SavedModel."""
    return (folder / "saved_model.pb").is_file()
