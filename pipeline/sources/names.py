"""What the names of folders and classes mean, on whatever system they were made."""

import re
import unicodedata
from collections.abc import Iterable

from base.errors import one_line

# The names that data sets on the net give to their splits.
SPLIT_ALIASES = {
    f"{name}{ending}": split
    for split, names in (("train", ("train", "training")), ("validation", ("validation", "valid", "val", "dev")),
                         ("test", ("test", "testing")))
    for name in names
    for ending in ("", "set", "_set", "-set", " set")
}  # fmt: skip
# Thumbnails and rests that systems leave beside a user's files, in lower case: Synology, macOS, Windows, ext4, QNAP.
SYSTEM_FOLDERS = {b"@eadir", b"__macosx", b"$recycle.bin", b"system volume information", b"lost+found",
                  b"#recycle", b"@recycle", b"#snapshot", b"@recently-snapshot"}  # fmt: skip


def split_named(name: str) -> str:
    """The split that a name, of a folder or in a table, stands for; "" where it is that of none."""
    return SPLIT_ALIASES.get(name.lower(), "")


def class_name(name: bytes) -> str:
    """A class's name, as it is shown, exported and used for a column: text of one line, composed (Unicode's NFC).

    macOS writes decomposed names, other systems composed ones, and both show the same letters.
    """
    return unicodedata.normalize("NFC", one_line(name))


def near_name(name: str, others: Iterable[str]) -> str | None:
    """The first of `others` that differs from `name` by case, width, blanks or what is not seen; else None."""
    return next((other for other in others if other != name and loose(other) == loose(name)), None)


def loose(name: str) -> str:
    """Equal for names that a reader may take for one."""
    shown = "".join(letter for letter in unicodedata.normalize("NFKC", name) if unicodedata.category(letter) != "Cf")
    return " ".join(re.split(r"[\s_-]+", shown)).strip().casefold()
