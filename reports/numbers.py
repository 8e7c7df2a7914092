"""Numbers as people read them; what a program reads stands in results.json and the tables, to the last digit."""

import datetime
import math
from collections.abc import Sequence

NOTHING = "–"
_SUPERSCRIPT = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")


def number(value: float | bool | None, decimals: int | None = None) -> str:
    """12345 is 12,345; 0.34692 is 0.3469; 2.08e-07 is 2.1 × 10⁻⁷; None, which stands for nothing, a dash.

    `decimals` keeps that many for a fraction that has a figure among them, so that the numbers of a column align.
    """
    if value is None:
        return NOTHING
    if isinstance(value, bool | int):
        return str(value).lower() if isinstance(value, bool) else f"{value:,}"
    if not math.isfinite(value):
        return "not a number" if math.isnan(value) else f"{'-' if value < 0 else ''}infinite"
    size, least = abs(value), 1e-4 if decimals is None else 10**-decimals
    if 0 < size < least or size >= 1e15:
        return _power(value)
    if size >= 1000:
        return f"{value:,.0f}"
    return f"{value:.4g}" if decimals is None else f"{value:.{decimals}f}"


def percent(fraction: float | None, decimals: int = 1) -> str:
    """0.5 is 50.0%; less than all is never 100%, and more than nothing never 0%."""
    if fraction is None:
        return NOTHING
    text = f"{100 * fraction:.{decimals}f}"
    if 0 < fraction < 1 and float(text) in (0.0, 100.0):
        least = f"{10**-decimals:.{decimals}f}"
        return f"<{least}%" if fraction < 0.5 else f">{100 - float(least):.{decimals}f}%"
    return f"{text}%"


def percent_interval(pair: Sequence[float] | None, decimals: int = 1) -> str:
    """Both ends of an interval of fractions."""
    return NOTHING if pair is None else f"{percent(pair[0], decimals)} to {percent(pair[1], decimals)}"


def duration(seconds: float) -> str:
    """12.4 is 12 s; 3725 is 1:02:05."""
    whole = round(seconds)
    return f"{whole} s" if whole < 60 else str(datetime.timedelta(seconds=whole))


def date_and_time(text: str) -> str:
    """2026-01-31T20:15:22+01:00, as results.json has it, is 2026-01-31 20:15:22 UTC+01:00."""
    moment = datetime.datetime.fromisoformat(text)
    return f"{moment:%Y-%m-%d %H:%M:%S} {moment.tzname() or ''}".rstrip()


def _power(value: float) -> str:
    digits, exponent = f"{value:.1e}".split("e")
    return f"{digits.removesuffix('.0')} × 10{str(int(exponent)).translate(_SUPERSCRIPT)}"
