"""The page of a comparison of runs: one HTML file that needs no other, as a run's report."""

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from evaluation.comparison_words import p_text
from reports.numbers import NOTHING, duration, number
from reports.page_pictures import photo
from reports.templates import Section, render_page

PAGE_BEGINNING = '<!DOCTYPE html>\n<html lang="en" class="comparison">'


@dataclasses.dataclass(frozen=True, slots=True)
class Answer:
    """What a run says of a picture: a class, its probability, and whether it is the picture's."""

    run: str
    prediction: str
    probability: float
    is_right: bool


@dataclasses.dataclass(frozen=True, slots=True, eq=False)
class Disagreement:
    """An example of class `label` that divides the runs; `image` is uint8 [height, width, 3], None where it is gone."""

    path: str
    label: str
    answers: Sequence[Answer]
    image: np.ndarray | None


@dataclasses.dataclass(frozen=True, slots=True)
class DisagreementGroup:
    """What the run `only` alone has right, or without one what divides all runs: `count` examples, of which some are
    `shown`."""

    only: str
    count: int
    shown: Sequence[Disagreement]


def render_comparison(
    comparison: Mapping[str, Any], groups: Sequence[DisagreementGroup], is_synthetic: bool = False
) -> str:
    """The page, as HTML, of what comparison.json holds."""
    runs, pairs = comparison["runs"], comparison["pairs"]
    with_p = [(pair, p_text(pair["corrected_p_value"])) for pair in pairs]
    compared = {"pairs": with_p, "widest": _widest(pairs), "resamples": comparison["resamples"]}
    cost = {"rows": [_cost(run) for run in runs], "machine": comparison["machine"]}
    sections = [
        Section("verdict", "Result", "comparison_verdict.html", {"comparison": comparison}),
        Section("runs", "Figures", "comparison_runs.html", {"runs": runs}),
        Section("pairs", "Pairs", "comparison_pairs.html", compared),
        Section("cost", "Cost", "comparison_cost.html", cost),
        _disagreements(groups),
        _options(runs, comparison["differing_options"]),
    ]
    names = [run["name"] for run in runs]
    return render_page(
        "comparison_page.html", sections, names=names, runs=runs, what=comparison["compared"],
        examples=comparison["examples"], synthetic=is_synthetic, date=comparison["date"],
    )  # fmt: skip


def megabytes(size: int) -> str:
    """12345678 bytes are 12.3 MB."""
    return f"{size / 1e6:.3g} MB" if size < 1e9 else f"{size / 1e9:.3g} GB"


def milliseconds(values: Mapping[str, float] | None, batch: str) -> str:
    """Of a run's pictures in a call; a dash where it was not timed."""
    return f"{values[batch]:.3g}" if values else NOTHING


def training_time(run: Mapping) -> str:
    """In words; a dash where it is not known."""
    return NOTHING if run["training_seconds"] is None else duration(run["training_seconds"])


def _cost(run: Mapping) -> list[str]:
    per_picture = [milliseconds(run["milliseconds_a_picture"], batch) for batch in ("1", "32")]
    return [run["name"], megabytes(run["saved_model_bytes"]), number(run["parameters"]), training_time(run),
            run["device"] or NOTHING, *per_picture]  # fmt: skip


def _widest(pairs: Sequence[Mapping]) -> float:
    """The half width of an axis on which all intervals of accuracy have room, zero in its middle."""
    return max(0.01, *(abs(end) for pair in pairs for end in pair["accuracy_interval"]))


def _disagreements(groups: Sequence[DisagreementGroup]) -> Section:
    shown = [
        (group, [(one, None if one.image is None else photo(one.image)) for one in group.shown]) for group in groups
    ]
    return Section("disagreements", "Where they disagree", "comparison_disagreements.html", {"groups": shown})


def _options(runs: Sequence[Mapping], rows: Sequence[Mapping]) -> Section:
    values = {"names": [run["name"] for run in runs], "rows": rows}
    return Section("options", "Options that differ", "comparison_options.html", values)
