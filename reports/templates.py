"""The pages' templates, which stand beside this file, and a page made of sections: one template each.

Names of classes and files are the user's: the templates escape every one, and `_visible` writes out what no page can
hold.
"""

import dataclasses
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import jinja2
from markupsafe import Markup

from reports.numbers import date_and_time, number, percent, percent_interval

# Bytes that are no UTF-8 (surrogate escapes), control characters, and those that turn the direction of what follows.
_UNSHOWABLE = re.compile("[\x00-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ud800-\udfff]")
# Where a name or a path may go on in another line; never within a number.
_BREAKABLE = re.compile(r"(?<=[/\\_:=@])(?=[^/\\_:=@\s])|(?<=[.,-])(?=[^\W\d])")
_FLAG = re.compile(r"(--[a-z]\w*(?:=[^\s,]*\w)?)")
_LONG = 16  # letters of a name that may be broken within a word where nothing else helps


@dataclasses.dataclass(frozen=True)
class Section:
    """A part of a page, to which its navigation leads.

    Attributes:
      id: its place in the page, for links.
      title: its heading, and its name in the navigation.
      template: the file of what stands below the heading, as "curves.html".
      values: all that this template knows by name, besides the environment's filters.
    """

    id: str
    title: str
    template: str
    values: Mapping[str, Any] = dataclasses.field(default_factory=dict)


def render_page(template: str, sections: Sequence[Section], **values: Any) -> str:
    """A page, as HTML, whose template extends layout.html: a header made of `values`, then each section.

    Raises jinja2.UndefinedError where a template asks for a name that it was not given.
    """
    templates = _environment()
    parts = [
        (one, Markup(templates.get_template(one.template).render(**one.values)))  # escaped in there
        for one in sections
    ]
    return templates.get_template(template).render(parts=parts, **values)


def _environment() -> jinja2.Environment:
    loader = jinja2.FileSystemLoader(Path(__file__).parent)
    environment = jinja2.Environment(
        loader=loader, autoescape=True, undefined=jinja2.StrictUndefined, finalize=_visible, trim_blocks=True
    )
    environment.filters |= {
        "percent": percent, "interval": percent_interval, "number": number, "date": date_and_time, "broken": _broken,
        "flagged": _flagged, "is_long": lambda name: len(name) > _LONG,
    }  # fmt: skip
    return environment


def _broken(text: object) -> Markup:
    """A name or a path that goes on in another line between its parts, not within them, where there is room."""
    return Markup("<wbr>").join(_BREAKABLE.split(_visible(str(text))))


def _flagged(text: str) -> Markup:
    """A sentence with its flags as they are typed."""
    parts = [Markup("<code>{}</code>").format(part) if place % 2 else _visible(part)
             for place, part in enumerate(_FLAG.split(text))]  # fmt: skip
    return Markup("").join(parts)


def _visible(value: object) -> object:
    if not isinstance(value, str) or isinstance(value, Markup):
        return value

    def escape(match: re.Match) -> str:
        code = ord(match[0])
        # A surrogate escape stands for one byte: U+DCFF for 0xff.
        return f"\\x{code - 0xDC00:02x}" if 0xDC80 <= code <= 0xDCFF else match[0].encode("unicode_escape").decode()

    return _UNSHOWABLE.sub(escape, value)
