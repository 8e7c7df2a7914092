"""The report of a finished run: one HTML page that needs no other file, no script and no network.

It draws what it is given, a section where there is something for it; see `reports.templates`.
"""

import itertools
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from records.tables import PredictionRow, RefusedRow, SliceRow
from reports.advice import advice
from reports.calibration_section import calibration_section
from reports.confusion_sections import confusion_sections
from reports.contact_sheet import Sheet
from reports.data_sections import data_section, sheet_sections
from reports.decision_section import decision_section, positive_class_of
from reports.evidence import Evidence
from reports.facts import OptionRow, facts_of, option_text
from reports.headline_section import headline_section
from reports.history_section import history_section
from reports.page_pictures import photo
from reports.plots import displayable
from reports.predicted import Predicted, predicted_of
from reports.ranking_section import ranking_section
from reports.shown_answer import ShownAnswer
from reports.templates import Section, render_page
from reports.verdict import verdict


def render_report(
    *,
    run_path: Path,
    evidence: Evidence,
    data: Mapping[str, Any],
    unused: tuple[Sequence[RefusedRow], Sequence[RefusedRow]],
    options: Sequence[OptionRow],
    command: str,
    mistakes: Sequence[ShownAnswer] = (),
    sheets: tuple[Sheet | None, Sheet | None] = (None, None),
    more: Sequence[Section] = (),
) -> str:
    """The page, as HTML, of a run.

    Args:
      run_path: the run's folder; `command` starts the run again.
      evidence: what its files say of the model, as `evidence_of_run` gathers it; `data` is of `data_figures`.
      unused: quarantine.csv and left_aside.csv.
      mistakes: the worst ones of the test split, worst first.
      sheets: of examples, and of augmented examples.
      more: sections that stand after the mistakes.
    """
    results, predicted = evidence.results, evidence.predicted
    return render_page(
        "page.html",
        [
            headline_section(
                evidence.figures, evidence.shown, verdict(evidence), advice(evidence), _without_test(evidence.shown)
            ),
            *history_section(evidence.history, results.get("best_epoch")),
            *_predicted_sections(predicted, results),
            *_mistakes(mistakes, predicted),
            *more,
            data_section(data, *unused, results.get("notes", [])),
            *sheet_sections(sheets),
            Section("run", "Run", "run.html", {"facts": facts_of(results)}),
            _options(options, command),
        ],
        run_path=run_path.absolute(),
        results=results,
        dataset=results["dataset"].rstrip("/").rpartition("/")[2] or results["dataset"],
    )


def evidence_of_run(
    results: Mapping,
    history: Sequence[Mapping],
    predictions: Sequence[PredictionRow],
    options: Sequence[OptionRow],
    data: Mapping,
    slices: Sequence[SliceRow] = (),
) -> Evidence:
    """What a run's files say: results.json, history.csv, predictions_test.csv, options.json, `data_figures` of
    split.csv, and slices.csv. Raises ValueError where predictions name a class that the results do not."""
    return Evidence(
        scored="test",
        figures=results,
        predicted=predicted_of(predictions, results["class_names"]),
        history=history,
        results=results,
        options={row.flag: row.asked if row.chosen is None else row.chosen for row in options},
        train_counts=[counts[0] for _, counts in data["rows"]],
        copies=data["shared"],
        slices=slices,
    )


def _without_test(shown: str | None) -> str:
    was = {"validation": "chosen", "train": "trained"}.get(shown)
    lacks = f"This run has no test split: what is shown is the {shown} split, on which the model was {was}."
    return lacks if was else ""


def _predicted_sections(predicted: Predicted | None, results: Mapping) -> Iterator[Section]:
    if predicted is None:
        return
    decision = results.get("decision") or {}
    yield from confusion_sections(predicted, "test", (results.get("test") or {}).get("accuracy"))
    yield from ranking_section(predicted, positive_class_of(results))
    yield calibration_section(predicted)
    yield from decision_section(decision)


def _mistakes(mistakes: Sequence[ShownAnswer], predicted: Predicted | None) -> Iterator[Section]:
    if mistakes or (predicted and predicted.right == len(predicted.labels)):
        shown = [(one, photo(displayable(one.image[None])[0])) for one in mistakes]
        yield Section("mistakes", "Worst mistakes", "mistakes.html", {"mistakes": shown, "predicted": predicted})


def _options(rows: Sequence[OptionRow], command: str) -> Section:
    rooms = itertools.groupby(rows, lambda row: row.room)
    options = [(room, [(row.flag, option_text(row)) for row in group]) for room, group in rooms]
    return Section("options", "Options", "options.html", {"options": options, "command": command})
