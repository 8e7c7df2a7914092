"""What evaluate.py finds beside the scores: where the model fails, and labels that may be wrong."""

import dataclasses
import os
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from evaluation.label_issues import contradictions
from evaluation.picture_columns import picture_columns
from evaluation.slices import Column, Slice, find_slices
from jobs.label_issues import LabelDoubts, doubt_labels, write_suspects
from jobs.scored import Scored
from jobs.slices import appearance_of_files, columns_of, slice_rows, slice_words
from pipeline.sources.values_csv import ValueTable, read_values
from records.tables import LABEL_ISSUES, SLICES
from reports.plots import displayable
from reports.predicted import Predicted
from reports.slices import slices_section
from reports.suspicious import Suspect, suspicious_section
from reports.templates import Section
from serving.pixel_predictor import PixelPredictor
from serving.predictor import Predictor

_SLICES, _LABELS, SHEET = "slices.csv", "suspicious_labels.csv", "suspicious_labels.png"
BEGINNINGS = {_SLICES: SLICES.beginning, _LABELS: LABEL_ISSUES.beginning}
_RESTS_ON = "In the view of this network, of pictures that it is not known to have been trained on."
_NOT_MEASURED = "brightness and sharpness: not measured, as the model was exported by an earlier version"
_LEARNT = "labels: not looked at, as the run has learnt those of what it trained on, wrong ones too"


@dataclasses.dataclass(frozen=True, eq=False)
class Findings:
    """Slices; labels that may be wrong, and the first of these with their pictures; lines for the terminal."""

    class_names: Sequence[str]
    slices: Sequence[Slice]
    doubts: LabelDoubts
    suspects: Sequence[Suspect]
    lines: Sequence[str]

    @property
    def sections(self) -> list[Section]:
        """Of the page."""
        sections = [*slices_section(slice_rows(self.slices))]
        if self.doubts.examples:
            sections.append(suspicious_section(self.suspects, self.doubts.words, _RESTS_ON))
        return sections

    def write(self, out_dir: Path) -> list[str]:
        """Writes them; returns the names of the files."""
        SLICES.write(out_dir / _SLICES, slice_rows(self.slices))
        LABEL_ISSUES.write(out_dir / _LABELS, self.doubts.rows)
        return [_SLICES, _LABELS, *write_suspects(out_dir / SHEET, self.suspects, self.class_names)]


def read_more_columns(path: Path | None, scored: Scored) -> tuple[list[Column], list[str]]:
    """(the columns of the table --slices, a value a picture of `scored`; notes on it).

    Raises UserError for a table that leaves something in doubt, or is of other pictures.
    """
    if path is None:
        return [], []
    root = Path(os.fsdecode(scored.root))
    table: ValueTable = read_values("--slices", path, root)
    values, notes = table.values_of([os.path.relpath(one, scored.root) for one in scored.paths])
    taken = [column.name for column in picture_columns(scored.labels, scored.facts, np.zeros(len(scored.paths), bool))]
    columns, more_notes = columns_of(values, taken)
    return columns, [*notes, *more_notes]


def find(
    predictor: Predictor, scored: Scored, rows: Sequence[int], predicted: Predicted, more: Sequence[Column]
) -> Findings:
    """Of the pictures of `scored` in `rows`, of which `predicted` says what was said of them; `more` columns have a
    value for each picture of `scored`."""
    rows, lines = np.asarray(rows), []
    contents = np.unique(scored.facts["sha256"][rows], axis=0, return_inverse=True)[1].reshape(-1)
    appearance = None
    if isinstance(predictor, PixelPredictor):
        appearance = appearance_of_files(predictor, [scored.paths[row] for row in rows])
    else:
        lines.append(_NOT_MEASURED)
    is_copied = np.bincount(contents)[contents] > 1
    columns = picture_columns([scored.labels[row] for row in rows], scored.facts[rows], is_copied, appearance)
    columns += [dataclasses.replace(column, values=column.values[rows]) for column in more]
    slices = find_slices(predicted.answers == predicted.labels, columns)
    if words := slice_words(slices):
        lines.append(f"slices: {words}")
    kept = ~scored.is_trained[rows]
    doubts = _doubt(scored, rows[kept], predicted.rows(kept), contents[kept])
    lines += [f"labels: {one}" for one in doubts.words] if kept.any() else [_LEARNT]
    suspects = _suspects(predictor, scored, rows[kept], doubts)
    return Findings(predictor.class_names, slices, doubts, suspects, lines)


def _doubt(scored: Scored, rows: np.ndarray, predicted: Predicted, contents: np.ndarray) -> LabelDoubts:
    paths = [os.fsdecode(scored.paths[row]) for row in rows]
    rivals = contradictions(contents, predicted.labels)
    left_out_in = [scored.split] * len(rows)
    return doubt_labels(paths, predicted.class_names, predicted.labels, predicted.probabilities, left_out_in, rivals)


def _suspects(predictor: Predictor, scored: Scored, rows: np.ndarray, doubts: LabelDoubts) -> list[Suspect]:
    if not len(doubts.shown) or not isinstance(predictor, PixelPredictor):
        return []
    decoded = [predictor.decode(scored.paths[row])[0] for row in rows[doubts.shown]]
    found = [(row, one) for row, one in zip(doubts.rows, decoded, strict=False) if one is not None]
    images = displayable(np.stack([one for _, one in found])) if found else []
    return [Suspect(row, image) for (row, _), image in zip(found, images, strict=True)]
