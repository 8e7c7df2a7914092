"""What the names of folders and classes mean, on whatever system they were made."""

import unicodedata
from collections.abc import Iterable

from base.errors import one_line

# The names that data sets on the net give to their splits.
SPLIT_ALIASES = {"train": "train", "training": "train", "validation": "validation", "valid": "validation",
                 "val": "validation", "dev": "validation", "test": "test", "testing": "test"}  # fmt: skip
# Thumbnails and rests that systems leave beside a user's files, in lower case: Synology, macOS, Windows, ext4.
SYSTEM_FOLDERS = {b"@eadir", b"__macosx", b"$recycle.bin", b"system volume information", b"lost+found"}


def class_name(name: bytes) -> str:
    """A class's name, as it is shown, exported and used for a column: text of one line, composed (Unicode's NFC).

    macOS writes decomposed names, other systems composed ones, and both show the same letters.
    """
    return unicodedata.normalize("NFC", one_line(name))


def near_name(name: str, others: Iterable[str]) -> str | None:
    """The first of `others` that differs from `name` by case, width or blanks at its ends only; else None."""
    return next((other for other in others if other != name and loose(other) == loose(name)), None)


def loose(name: str) -> str:
    """Equal for names that a reader may take for one."""
    return unicodedata.normalize("NFKC", name).strip().casefold()
