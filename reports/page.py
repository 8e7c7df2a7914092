"""The report of a finished run: one HTML page that needs no other file, no script and no network.

It draws what it is given, a section where there is something for it; see `reports.templates`.
"""

import dataclasses
import itertools
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from base.splits import SPLIT_NAMES
from evaluation.figures import WORDS
from records.tables import PredictionRow, RefusedRow, SplitRow
from reports.contact_sheet import Sheet
from reports.data_sections import data_section, sheet_sections
from reports.facts import OptionRow, facts_of, option_text
from reports.numbers import number, percent
from reports.page_pictures import photo, themed
from reports.plots import displayable, first_of_all, plot_curves
from reports.predicted import predicted_figures, predicted_sections
from reports.templates import Section, render_page


@dataclasses.dataclass(frozen=True, slots=True)
class Mistake:
    """A test example of class `label` that was taken for `prediction`."""

    path: str  # bytes that are no UTF-8 as surrogate escapes
    label: str
    prediction: str
    probability: float  # what the model gave that prediction, in [0, 1]
    image: np.ndarray  # [height, width, channels] uint8, 1 or 3 channels


def render_report(
    *,
    run_path: Path,
    results: Mapping[str, Any],
    history: Sequence[Mapping],
    predictions: Sequence[PredictionRow],
    split: Sequence[SplitRow],
    unused: tuple[Sequence[RefusedRow], Sequence[RefusedRow]],
    options: Sequence[OptionRow],
    command: str,
    mistakes: Sequence[Mistake] = (),
    sheets: tuple[Sheet | None, Sheet | None] = (None, None),
    more: Sequence[Section] = (),
) -> str:
    """The page, as HTML, of what a run's files hold: `results` results.json, `history` history.csv, and so on.

    `predictions` are of the test examples, `mistakes` the worst ones, worst first; `unused` are quarantine.csv and
    left_aside.csv; `command` starts the run again; `sheets` are of examples and of augmented examples; `more` sections
    stand after the mistakes. Raises ValueError where `predictions` name a class that `results` do not.
    """
    predicted = predicted_figures(predictions, results["class_names"])
    return render_page(
        "page.html",
        [
            _headline(results, predicted),
            *_curves(history, results.get("best_epoch")),
            *(predicted_sections(predicted, "test", (results.get("test") or {}).get("accuracy")) if predicted else ()),
            *_mistakes(mistakes, predicted),
            *more,
            data_section(split, *unused, results["class_names"], results.get("notes", [])),
            *sheet_sections(sheets),
            Section("run", "Run", "run.html", {"facts": facts_of(results)}),
            _options(options, command),
        ],
        run_path=run_path.absolute(),
        results=results,
        dataset=results["dataset"].rstrip("/").rpartition("/")[2] or results["dataset"],
    )


def _headline(results: Mapping, predicted: Mapping | None) -> Section:
    split = next((name for name in reversed(SPLIT_NAMES) if results.get(name)), None)
    values = {"results": results, "split": split, "split_names": SPLIT_NAMES, "predicted": predicted,
              "ranking": _ranking(results.get("test") or {})}  # fmt: skip
    return Section("headline", "Result", "headline.html", values)


def _ranking(figures: Mapping) -> list[tuple[str, str]]:
    """(words, value) of what the test split says besides its scores; a run of before has none."""
    known = {name: word for name, word in WORDS.items() if figures.get(name) is not None}
    return [
        (word, percent(figures[name], 2) if name.endswith("accuracy") else number(figures[name], 4))
        for name, word in known.items()
    ]


def _curves(history: Sequence[Mapping], best_epoch: int | None) -> Iterator[Section]:
    if not history:
        return
    curves = {
        name: themed(lambda dark, stacked=stacked: plot_curves(history, best_epoch, dark=dark, stacked=stacked))
        for name, stacked in (("wide", False), ("narrow", True))
    }
    values = {"history": history, "first_of_all": first_of_all(history), "curves": curves}
    yield Section("curves", "Curves", "curves.html", values)


def _mistakes(mistakes: Sequence[Mistake], predicted: Mapping | None) -> Iterator[Section]:
    if mistakes or (predicted and predicted["right"] == predicted["examples"]):
        shown = [(one, photo(displayable(one.image[None])[0])) for one in mistakes]
        yield Section("mistakes", "Worst mistakes", "mistakes.html", {"mistakes": shown, "predicted": predicted})


def _options(rows: Sequence[OptionRow], command: str) -> Section:
    rooms = itertools.groupby(rows, lambda row: row.room)
    options = [(room, [(row.flag, option_text(row)) for row in group]) for room, group in rooms]
    return Section("options", "Options", "options.html", {"options": options, "command": command})
