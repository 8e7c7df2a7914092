"""Figures of rounds -> one row of results: medians, spreads, ratios, and whether a target is reached. Pure."""

import statistics
from collections.abc import Sequence

SENSES = ("at least", "above", "at most")


def three(values: Sequence[float]) -> list[float]:
    """[median, least, most]."""
    return [statistics.median(values), min(values), max(values)]


def reaches(value: float, sense: str, target: float) -> bool:
    """Whether `value` is at least, above or at most `target`."""
    if sense not in SENSES:
        raise ValueError(f"sense is {sense!r}: it must be one of {', '.join(SENSES)}")
    return {"at least": value >= target, "above": value > target, "at most": value <= target}[sense]


def faster(
    what: str,
    rival: str,
    ours: Sequence[float],
    theirs: Sequence[float],
    *,
    unit: str,
    target: float | None,
    sense: str = "at least",
) -> dict:
    """A row that says how many times faster we are, round by round.

    `unit` "s" means that less is faster, any other unit ("images/s") that more is. `target` None only reports.
    """
    pairs = zip(ours, theirs, strict=True)
    ratios = [their / our if unit == "s" else our / their for our, their in pairs]
    return _row(what, rival, ours, theirs, unit, ratios, "times", sense, target)


def at_most_times(
    what: str, rival: str, ours: Sequence[float], theirs: Sequence[float], *, unit: str, limit: float | None
) -> dict:
    """A row that says how many times theirs ours is, round by round, where less is better."""
    ratios = [our / their for our, their in zip(ours, theirs, strict=True)]
    return _row(what, rival, ours, theirs, unit, ratios, "times", "at most", limit)


def at_most(what: str, values: Sequence[float], *, unit: str, limit: float | None) -> dict:
    """A row of our own figures alone, judged as they are."""
    return _row(what, "", values, None, unit, values, unit, "at most", limit)


def ahead(what: str, rival: str, ours: float | None, theirs: float | None) -> dict:
    """A row of two accuracies in [0, 1], measured once; None, where there was no answer yet, counts as 0."""
    ours, theirs = 100 * (ours or 0.0), 100 * (theirs or 0.0)
    return _row(what, rival, [ours], [theirs], "%", [ours - theirs], "points", "above", 0.0)


def _row(what, rival, ours, theirs, unit, judged, judged_unit, sense, target) -> dict:
    judged = three(judged)
    return {
        "what": what,
        "rival": rival,
        "unit": unit,
        "rounds": len(ours),
        "penstock": three(ours),
        "theirs": None if theirs is None else three(theirs),
        "judged": judged,
        "judged_unit": judged_unit,
        "sense": sense,
        "target": target,
        "reached": None if target is None else reaches(judged[0], sense, target),
    }
