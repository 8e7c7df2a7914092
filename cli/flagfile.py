"""--flagfile: lines of flags, in the encodings that editors and shells write."""

import codecs
import os
import re
from collections.abc import Iterable, Iterator

from base.errors import UserError

_NAMES = ("--flagfile", "-flagfile")
_MARKS = {codecs.BOM_UTF8: "utf-8-sig", codecs.BOM_UTF16_LE: "utf-16", codecs.BOM_UTF16_BE: "utf-16"}

_QUOTED = re.compile(r"""--?\w+=(["']).*\1$""")


def expand(arguments: Iterable[str], opened: tuple[str, ...] = ()) -> Iterator[str]:
    """The arguments, with the lines of a flagfile in the place of each --flagfile, at any depth.

    Blanks at the ends of a line are no part of it; one that begins with # or // is a comment. `opened` are the real
    paths of the flagfiles that the arguments come from. Raises UserError where one cannot be read, or reads itself.
    """
    rest = iter(arguments)
    for argument in rest:
        name, _, path = argument.partition("=")
        if name in _NAMES:
            yield from _lines_of(path if "=" in argument else next(rest, ""), opened)
            continue
        yield argument
        if argument == "--":
            yield from rest


def _lines_of(text: str, opened: tuple[str, ...]) -> Iterator[str]:
    real = os.path.realpath(os.path.expanduser(text))
    if text and real in opened:
        raise UserError(f"--flagfile={text} reads itself: take that line out of {opened[-1]!r}")
    lines = [line.strip() for line in read_text("--flagfile", text).split("\n")]
    flags = [line for line in lines if line and not line.startswith(("#", "//"))]
    if quoted := next((line for line in flags if _QUOTED.match(line)), None):
        raise UserError(f"--flagfile={text}: no shell takes the quotes away from {quoted!r}: write it without them")
    return expand(flags, (*opened, real))


def read_text(flag: str, text: str) -> str:
    """What the file holds that `flag` names by `text`, with a line feed at the end of each line; raises UserError where
    it cannot be read."""
    if not text:
        raise UserError(f"{flag} names no file: write {flag}=FILE")
    try:
        with open(os.path.expanduser(text), "rb") as file:
            content = file.read()
    except (OSError, ValueError) as error:
        raise UserError(f"{flag}={text} cannot be read: {getattr(error, 'strerror', error)}") from None
    return re.sub(r"\r\n|\r", "\n", _decoded(content, f"{flag}={text}"))


def _decoded(content: bytes, shown: str) -> str:
    """Text of UTF-8, or of UTF-16, which PowerShell's > writes, with a byte-order mark or without."""
    encoding = next((name for mark, name in _MARKS.items() if content.startswith(mark)), "utf-8")
    if encoding == "utf-8" and b"\0" in content[:2]:
        encoding = "utf-16-be" if content[:1] == b"\0" else "utf-16-le"
    try:
        return content.decode(encoding)
    except UnicodeDecodeError as error:
        line = content[: error.start].count(b"\n") + 1
        raise UserError(f"{shown} is no text in UTF-8 (line {line}): save it as UTF-8") from None
