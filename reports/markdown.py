"""Tables for TensorBoard's text tab, which reads Markdown."""

import re
from collections.abc import Iterable, Sequence

_MARKS = re.compile(r"([\\`*_{}\[\]()#+.!|<>&~-])")


def markdown_table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A table whose cells show their text as it is, whatever marks it holds."""
    lines = [header, ["---"] * len(header)]
    lines += [[_plain(cell) for cell in row] for row in rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _plain(text: str) -> str:
    def escape(match: re.Match) -> str:
        # Numbers of letters are all that no extension of Markdown gives a meaning to.
        return f"&#{ord(match[1])};"

    shown = text.encode("utf-8", "backslashreplace").decode()
    return _MARKS.sub(escape, "".join(letter if letter.isprintable() else "\ufffd" for letter in shown))
