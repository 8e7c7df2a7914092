"""The page of a model that was scored on other pictures, or on a split again: as a run's, of what there is."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from evaluation.metrics import worst_mistakes
from records.tables import RefusedRow
from reports.advice import advice
from reports.calibration_section import calibration_section
from reports.confusion_sections import confusion_sections
from reports.evidence import Evidence
from reports.headline_section import headline_section
from reports.predicted import Predicted
from reports.ranking_section import ranking_section
from reports.templates import Section, render_page
from reports.verdict import verdict

# How the page begins, by which it is told from others.
ASSESSMENT_BEGINNING = '<!DOCTYPE html>\n<html lang="en" class="assessed">'
MISTAKES_SHOWN = 24
_WARNINGS = {
    "train": "The model was trained on these pictures: what it says of them says little of others.",
    "validation": "The model was chosen on these pictures: what it says of them is a little better than of others.",
}


def render_assessment(
    *,
    run_path: Path,
    what: str,
    split: str,
    figures: Mapping,
    predicted: Predicted,
    paths: Sequence[str],
    notes: Sequence[str] = (),
    refused: Sequence[RefusedRow] = (),
    is_synthetic: bool = False,
    positive_class: str = "",
    more: Sequence[Section] = (),
) -> str:
    """The page, as HTML, of the model of a run on other pictures.

    Args:
      run_path: the run's folder.
      what: the pictures in words, as "folder:/data/pictures, all of it".
      split: of the run's own pictures the split's name, else empty.
      figures: those of scores.json: what `evaluation.figures.all_figures` makes of the `predicted` pictures, whose
        files are `paths`, and the `date` in ISO 8601.
      notes: what else is to be known of them; `refused` are files that could not be read.
      positive_class: of two classes the one whose curves are drawn; where it is empty the second one.
      more: sections that stand after the mistakes.
    """
    name = split or "scored"
    evidence = Evidence(scored=name, figures={name: figures}, predicted=predicted)
    values = {"what": what, "notes": notes, "refused": refused}
    return render_page(
        "assessment.html",
        [
            headline_section({name: figures}, name, verdict(evidence), advice(evidence), _WARNINGS.get(split, "")),
            *confusion_sections(predicted, name),
            *ranking_section(predicted, positive_class),
            calibration_section(predicted),
            _mistakes(predicted, paths),
            *more,
            Section("data", "Pictures", "scored.html", values),
        ],
        run_path=run_path.absolute(),
        what=what,
        date=figures["date"],
        is_synthetic=is_synthetic,
    )


def _mistakes(predicted: Predicted, paths: Sequence[str]) -> Section:
    rows = worst_mistakes(predicted.labels, predicted.probabilities, predicted.answers, MISTAKES_SHOWN)
    names, sure = predicted.class_names, predicted.probabilities[rows, predicted.answers[rows]]
    table = [(paths[row], names[predicted.labels[row]], names[predicted.answers[row]], float(probability))
             for row, probability in zip(rows, np.atleast_1d(sure), strict=True)]  # fmt: skip
    return Section("mistakes", "Surest mistakes", "mistake_table.html", {"mistakes": table})
