"""A sweep's file: a line of flags a run, with a name before a colon where one is wanted. Imports no TensorFlow."""

import dataclasses
import hashlib
import re
import shlex
from collections.abc import Sequence

from base.errors import UserError

_MOST_LETTERS = 80  # of a name that is made from flags
_NAME = re.compile(r"\w[\w.=,+-]*")


@dataclasses.dataclass(frozen=True)
class SweepLine:
    """A run of a sweep.

    Attributes:
      number: of the line in its file, from 1 on.
      name: of the run's folder.
      arguments: the line's flags, as a shell would split them.
    """

    number: int
    name: str
    arguments: tuple[str, ...]


def read_lines(text: str, shown: str) -> list[SweepLine]:
    """The runs of a sweep's file; `shown` is what errors call it.

    A line is split as a shell would, without its variables. Empty lines, and those that begin with # or //, are none.
    A first word that ends in a colon names the run, else its flags do.

    Raises UserError, with the number of the line, for an open quote, a name that is none, and one that is there twice;
    and where there is no run at all.
    """
    lines: list[SweepLine] = []
    for number, line in enumerate(text.split("\n"), 1):
        if line.strip() and not line.strip().startswith(("#", "//")):
            lines.append(_read_line(number, line.strip(), f"{shown}, line {number}"))
            _check_name_is_new(lines, shown)
    if not lines:
        raise UserError(f"{shown} holds no run: write a line of flags for each")
    return lines


def name_of(arguments: Sequence[str]) -> str:
    """A folder's name from flags: `model=catdog_1,epochs=3`; of a long one the beginning, and a hash of all."""
    name = ",".join(re.sub(r"[^\w.=,+-]+", "-", argument.lstrip("-")).strip("-") for argument in arguments)
    if len(name) > _MOST_LETTERS or not _NAME.fullmatch(name):
        digest = hashlib.sha256("\0".join(arguments).encode("utf-8", "surrogateescape")).hexdigest()[:8]
        name = f"{name[: _MOST_LETTERS - 9].strip('.=,+-')}-{digest}".lstrip("-")
    return name


def _read_line(number: int, line: str, place: str) -> SweepLine:
    try:
        words = shlex.split(line)
    except ValueError as error:
        raise UserError(f"{place}: {error}: a quote is opened and not closed, or nothing follows a \\") from None
    name, arguments = "", tuple(words)
    if words and not words[0].startswith("-"):
        name, arguments = words[0].removesuffix(":"), arguments[1:]
        if name == words[0]:
            raise UserError(f"{place}: {name!r} is not a flag: a line holds flags, or NAME: before them")
        if not _NAME.fullmatch(name):
            raise UserError(f"{place}: {name!r} cannot name a folder: letters, digits and _.=,+- can")
    if not arguments:
        raise UserError(f"{place}: {line!r} holds no flag: say what this run has of its own")
    return SweepLine(number, name or name_of(arguments), arguments)


def _check_name_is_new(lines: Sequence[SweepLine], shown: str) -> None:
    *before, last = lines
    # Not every file system tells capitals.
    twin = next((one for one in before if one.name.casefold() == last.name.casefold()), None)
    if twin:
        raise UserError(
            f"{shown}, line {last.number}: {last.name!r} is the name of line {twin.number} too: say the difference, "
            "or begin the line with another NAME:"
        )
