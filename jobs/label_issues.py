"""Labels that may be wrong, of pictures that a model has not learnt from: as rows of a table, pictures and words."""

import dataclasses
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import numpy as np

from base import durable
from evaluation.label_issues import CONTRADICTED, LIKELIER, contradictions, find_label_issues
from jobs.answered import Answered
from jobs.mistakes import shown_pictures
from pipeline.data import Data
from pipeline.sources.splits import content_groups
from records.prepared_folder import PreparedFolder
from records.tables import LabelIssueRow
from reports.contact_sheet import draw_sheet
from reports.suspicious import Suspect, suspicious_section, suspicious_sheet
from reports.templates import Section

SHOWN = 24  # pictures
MOST_DOUBTED = 0.2  # of the labels; above that a model is wrong more often than labels are
_OF_A_RUN = (
    "In the view of this network, of the validation and the test split, on which it was not trained. "
    "prepare.py --probe asks about all pictures."
)
_OF_A_PROBE = (
    "In the view of linear heads, each of which was asked of the pictures of the fold that it was not fitted on."
)


@dataclasses.dataclass(frozen=True, eq=False)
class LabelDoubts:
    """What may be wrong of the labels of some examples, the likeliest first.

    Attributes:
      rows: for suspicious_labels.csv.
      places: int64 [rows], which of the examples each row is of.
      examples: how many were asked about.
    """

    rows: Sequence[LabelIssueRow]
    places: np.ndarray
    examples: int

    @property
    def words(self) -> list[str]:
        """How many, for the terminal and the page, a line each."""
        if not self.examples:
            return []
        copies = sum(row.reason == CONTRADICTED for row in self.rows)
        count, rest = self._count, len(self.rows) - self._count
        told = f"{count} of {self.examples} labels may be wrong; look at them"
        if not count:
            told = f"none of {self.examples} labels looks wrong"
        if copies:
            told += f"; {copies} of {count}: the same bytes have another label, too"
        if count and len(self.rows) > MOST_DOUBTED * self.examples:
            told += f". It answers {len(self.rows)} otherwise than they say: of so weak a model the doubts prove little"
        more = "more picture is" if rest == 1 else "more pictures are"
        return [told] + ([f"{rest} {more} likelier of another class: hard, or wrong"] if rest else [])

    @property
    def shown(self) -> np.ndarray:
        """The places of the first that may be wrong, for pictures; none of those that are only likelier of another."""
        return self.places[: min(SHOWN, self._count)]

    @property
    def _count(self) -> int:
        return sum(row.reason != LIKELIER for row in self.rows)


def doubt_labels(
    paths: Sequence[str], class_names: Sequence[str], labels: np.ndarray, probabilities: np.ndarray,
    left_out_in: Sequence[str], rivals: Mapping[int, Sequence[int]],
) -> LabelDoubts:  # fmt: skip
    """`find_label_issues`, with names; a path, a label, a row of probabilities and the split or the fold an example."""
    issues = find_label_issues(labels, probabilities, rivals) if len(labels) else []
    rows = [
        LabelIssueRow(
            rank, paths[one.row], class_names[labels[one.row]], class_names[one.suggestion],
            round(float(probabilities[one.row, labels[one.row]]), 4),
            round(float(probabilities[one.row, one.suggestion]), 4), left_out_in[one.row], one.reason,
        )
        for rank, one in enumerate(issues, 1)
    ]  # fmt: skip
    return LabelDoubts(rows, np.array([one.row for one in issues], np.int64), len(labels))


def doubt_examples(
    data: Data, ids: np.ndarray, probabilities: np.ndarray, left_out_in: Sequence[str], among: np.ndarray
) -> LabelDoubts:
    """Of examples of a data set; copies of their bytes are looked for among the examples of ids `among`."""
    manifest = data.manifest
    torn = contradictions(content_groups(manifest)[among], manifest.labels[among])
    known = {int(among[row]): others for row, others in torn.items()}
    rivals = {place: known[one] for place, one in enumerate(ids.tolist()) if one in known}
    paths = [manifest.shown_path(one) for one in ids]
    return doubt_labels(paths, manifest.class_names, manifest.labels[ids], probabilities, left_out_in, rivals)


def doubt_held_out(data: Data, splits: Mapping[str, Answered]) -> tuple[LabelDoubts, np.ndarray]:
    """(doubts, the ids of the examples that were asked about) of a run's validation and test split: the labels of what
    it trained on it has learnt, wrong ones too."""
    held_out = {name: splits[name] for name in ("validation", "test")}
    ids = np.concatenate([one.example_ids for one in held_out.values()])
    probabilities = np.concatenate([one.probabilities for one in held_out.values()])
    left_out_in = [name for name, one in held_out.items() for _ in range(len(one))]
    among = np.concatenate(list(data.splits.ids.values()))
    return doubt_examples(data, ids, probabilities, left_out_in, among), ids


def suspects_of(data: Data, doubts: LabelDoubts, ids: np.ndarray) -> list[Suspect]:
    """The first of the doubts with their pictures; `ids` are those of all examples that were asked about."""
    images = shown_pictures(data, ids[doubts.shown]) if len(doubts.shown) else []
    return [Suspect(row, image) for row, image in zip(doubts.rows, images, strict=False)]


def held_out_sections(data: Data, doubts: LabelDoubts, ids: np.ndarray) -> Iterator[Section]:
    """The section of a run's report; none where it has no example that was held out."""
    if doubts.examples:
        yield suspicious_section(suspects_of(data, doubts, ids), doubts.words, _OF_A_RUN)


def write_doubts(
    folder: PreparedFolder, data: Data, doubts: LabelDoubts, ids: np.ndarray
) -> tuple[list[Section], list]:
    """Writes the table of a probe's doubts, and a sheet where there is a picture to show; (the section of the page, the
    names of the sheets)."""
    folder.suspicious_labels.write(doubts.rows)
    suspects = suspects_of(data, doubts, ids)
    section = suspicious_section(suspects, doubts.words, _OF_A_PROBE)
    return [section], write_suspects(folder.suspicious_sheet, suspects, data.manifest.class_names)


def write_suspects(path: Path, suspects: Sequence[Suspect], class_names: Sequence[str]) -> list[str]:
    """Writes their sheet, or takes away that of a time before where there are none; returns the names of the files."""
    if not suspects:
        path.unlink(missing_ok=True)
        return []
    numbers = {name: number for number, name in enumerate(class_names)}
    durable.write_bytes(path, draw_sheet(suspicious_sheet(suspects, numbers)))
    return [path.name]
