"""The exceptions for what only the user can put right, and how names and paths are shown in them."""

import difflib
from collections.abc import Iterable

_MOST_LISTED = 40
_CONTROLS = {chr(code) for code in (*range(0x20), *range(0x7F, 0xA0), 0x2028, 0x2029)}


class UserError(Exception):
    """A flag, a folder or a file that cannot be worked with.

    Its text is one line that names the value, the rule and the fix. The scripts print it and exit with code 2.
    """


class BadImage(ValueError):  # noqa: N818 - it names what is wrong with the file, not a fault of the program
    """A file that is refused. Its text is the reason, in one line, without the path."""


def unknown_name(kind: str, name: str, known: Iterable[str], fix: str = "") -> UserError:
    """A UserError for a `name` that is not among `known`; offers the nearest one."""
    known = sorted(known)
    lowered = {one.lower(): one for one in known}
    near = difflib.get_close_matches(str(name).lower(), lowered, n=1, cutoff=0.6)
    nearest = f"did you mean {lowered[near[0]]!r}? " if near else ""
    # TFDS knows a thousand builders: a list that nobody can read is left out.
    listed = f"known: {', '.join(known)}" if len(known) <= _MOST_LISTED else f"{len(known)} are known"
    return UserError(f"unknown {kind} {name!r}: {nearest}{listed}{'; ' + fix if fix else ''}")


def one_line(path: bytes) -> str:
    """A file's name as text of one line: bytes that are no text, line feeds, tabs and the like are escaped."""
    text = path.decode("utf-8", "backslashreplace")
    return "".join(letter.encode("unicode_escape").decode() if letter in _CONTROLS else letter for letter in text)
