"""The first section of a page: how good a model is, in figures and in words, and what to try next."""

from collections.abc import Mapping, Sequence

from base.splits import SPLIT_NAMES
from reports.figures_words import ranking_words
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
    values = {"shown": shown, "score": score, "rows": dict(rows), "ranking": ranking_words(score or {}),
              "verdict": verdict, "advice": advice, "warning": warning}  # fmt: skip
    return Section("headline", "Result", "headline.html", values)
