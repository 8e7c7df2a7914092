"""Text and tables for whoever reads Markdown, as TensorBoard's text tab does: they show what they hold as it is."""

import re
from collections.abc import Iterable, Sequence

_INLINE = re.compile(r"[\\`*_\[\]<>&|~]|:(?=//)")
_ENTITIES = {"<": "&lt;", ">": "&gt;", "&": "&amp;", "|": "&#124;", "~": "&#126;", ":": "&#58;"}
_FIRST = re.compile(r"^(\s*\d*)([#+.)-])(?=\s|$|#|-+$)")
_MARKS = re.compile(r"([\\`*_{}\[\]()#+.!|<>&~-])")


def markdown_table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A table whose cells show their text as it is, whatever marks it holds."""
    lines = [header, ["---"] * len(header)]
    lines += [[plain(cell) for cell in row] for row in rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def markdown_code(line: str) -> str:
    """A line of code as a block of its own, in which no mark means anything."""
    return "    " + _printable(line)


def plain(text: str) -> str:
    """`text` in a paragraph or a cell, whatever marks it holds."""

    def escape(match: re.Match) -> str:
        # Numbers of letters are all that no extension of Markdown gives a meaning to.
        return f"&#{ord(match[1])};"

    return _MARKS.sub(escape, _printable(text))


def inline(text: str) -> str:
    """`text` for a file that is also read as it is: as `plain`, with no more marks than CommonMark and tables ask for.

    It begins a line or a list's item, as a name may with the mark of a heading or of a list.
    """
    text = _INLINE.sub(lambda match: _ENTITIES.get(match[0], "\\" + match[0]), _printable(text))
    return _FIRST.sub(lambda match: match[1] + "\\" + match[2], text)


def _printable(text: str) -> str:
    shown = text.encode("utf-8", "backslashreplace").decode()
    return "".join(letter if letter.isprintable() else "\ufffd" for letter in shown)
