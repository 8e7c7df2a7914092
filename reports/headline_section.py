"""The first section of a page: how good a model is, in figures and in words, and what to try next."""

from collections.abc import Mapping, Sequence

from base.splits import SPLIT_NAMES
from evaluation.figures import WORDS
from reports.numbers import number, percent
from reports.templates import Section


def headline_section(
    figures: Mapping[str, Mapping | None],
    shown: str | None,
    verdict: Sequence[str],
    advice: Sequence[str],
    warning: str,
) -> Section:
    """Of `figures` by split name, as `evaluation.figures` makes them, with those of `shown` in large."""
    rows = [(name, figures[name]) for name in (*SPLIT_NAMES, shown) if figures.get(name)]
    score = figures[shown] if shown else None
    values = {"shown": shown, "score": score, "rows": dict(rows), "ranking": _ranking(score or {}), "verdict": verdict,
              "advice": advice, "warning": warning}  # fmt: skip
    return Section("headline", "Result", "headline.html", values)


def _ranking(figures: Mapping) -> list[tuple[str, str]]:
    """(words, value) of what a split says besides its scores; a run of before has none."""
    known = {name: word for name, word in WORDS.items() if figures.get(name) is not None}
    return [
        (word, percent(figures[name], 2) if name.endswith("accuracy") else number(figures[name], 4))
        for name, word in known.items()
    ]
