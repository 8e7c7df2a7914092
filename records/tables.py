"""Tables of text: a row type each, whose fields are the columns; written and read here alone."""

import csv
import os
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from base import durable


class Format(NamedTuple):
    """How a file is written, whole or not at all, and read.

    `write` takes (path, *content) and raises OSError; `read` takes a path and raises OSError, and ValueError for a file
    that is damaged or none of this format. `beginning` is how the file begins, where that tells whose it is.
    """

    write: Callable[..., None]
    read: Callable[[Path], Any]
    beginning: bytes = b""


class SplitRow(NamedTuple):
    """An example, its class and split, and the SHA-256 of its bytes in hexadecimal.

    A path, here and in the other tables, is text; bytes that are no UTF-8 are surrogate escapes.
    """

    path: str
    label: str
    split: str
    sha256: str


class RefusedRow(NamedTuple):
    """A file that was refused, and the reason."""

    path: str
    reason: str


class BatchRow(NamedTuple):
    """An example of a step whose numbers went bad; `finite` is "yes" where its own loss is, else "no"."""

    step: int
    example_id: int
    path: str
    label: str
    finite: str


class RateRow(NamedTuple):
    """A learning rate of a range test, the loss before the update with it, and the smoothed loss up to there."""

    learning_rate: float
    loss: float
    smoothed_loss: float


class PredictionRow(NamedTuple):
    """An example, the name of its class and of the predicted one, and float32 [classes]."""

    path: str
    label: str
    prediction: str
    probabilities: np.ndarray


class AnswerRow(NamedTuple):
    """A file, the predicted class with its probability and float32 [classes]; or the reason why there is none."""

    path: str
    prediction: str
    probability: float
    probabilities: np.ndarray | None
    reason: str


class LabelIssueRow(NamedTuple):
    """An example whose label may be wrong, 1 the likeliest, the class that it may be of instead, what a model that had
    not learnt from it gives to both, the split or the fold in which it was left out, and why it is doubted."""

    rank: int
    path: str
    label: str
    suggested_label: str
    label_probability: float
    suggested_probability: float
    left_out_in: str
    reason: str


class SliceRow(NamedTuple):
    """Examples that are alike in one column, and how many of them are right; the ends of the 95 % interval of their
    accuracy, and of the wider one by which `verdict` calls a slice worse, empty where it was not asked."""

    column: str
    slice: str
    examples: int
    right: int
    accuracy: float
    low: float
    high: float
    corrected_low: float | str
    corrected_high: float | str
    verdict: str


class RobustnessRow(NamedTuple):
    """How a model fared on pictures of one corruption and severity, from 1 to 5: the `parameter` with its `unit`, the
    accuracy with the ends of its Wilson 95 % interval, and the loss in nats."""

    corruption: str
    severity: int
    parameter: float | str
    unit: str
    examples: int
    accuracy: float
    accuracy_low: float
    accuracy_high: float
    loss: float


def refused_rows(quarantine: Iterable[tuple[bytes, str]]) -> list[RefusedRow]:
    """A row a refused file, of its path and the reason."""
    return [RefusedRow(os.fsdecode(path), reason) for path, reason in quarantine]


def read_lines(path: Path) -> tuple[list[str], list[list[str]]]:
    """(names of the columns, the rows); raises OSError, and ValueError where the rows are not all of one length."""
    try:
        with open(path, newline="", encoding="utf-8", errors="surrogateescape") as file:
            header, *rows = [row for row in csv.reader(file) if row] or [[]]
    except csv.Error as error:
        raise ValueError(f"{path.name} is no table: {error}") from None
    uneven = next((row for row in rows if len(row) != len(header)), None)
    if uneven:
        raise ValueError(f"{path.name} has {len(header)} columns and a row of {len(uneven)} fields")
    return header, rows


def table_of(row_type: type) -> Format:
    """Of rows of one type; every field is read as text."""
    columns = row_type._fields

    def read(path: Path) -> list:
        header, rows = read_lines(path)
        lost = next((name for name in columns if name not in header), None)
        if lost:
            raise ValueError(f"{path.name} has no column {lost!r}")
        places = [header.index(name) for name in columns]
        return [row_type(*(row[place] for place in places)) for row in rows]

    beginning = ",".join(columns).encode() + b"\n"
    return Format(lambda path, rows: durable.write_csv(path, [columns, *rows]), read, beginning)


def _write_predictions(path: Path, class_names: Sequence[str], rows: Iterable[PredictionRow]) -> None:
    # The fewest digits that give every bit back.
    lines = [(*row[:3], *(np.format_float_positional(value, unique=True, trim="0") for value in row.probabilities))
             for row in rows]  # fmt: skip
    durable.write_csv(path, [(*_SCORED, *probability_columns(class_names)), *lines])


def _read_predictions(path: Path) -> list[PredictionRow]:
    header, rows = read_lines(path)
    if tuple(header[:3]) != _SCORED:
        raise ValueError(f"{path.name} does not begin with the columns {', '.join(_SCORED)}")
    return [PredictionRow(*row[:3], np.array(row[3:], np.float32)) for row in rows]


def predicted_classes(path: Path) -> list[str]:
    """The classes of a table of predictions, in the order of its columns; raises as the table's reader does."""
    try:
        with open(path, newline="", encoding="utf-8", errors="surrogateescape") as file:
            header = next(csv.reader(file), [])
    except csv.Error as error:
        raise ValueError(f"{path.name} is no table: {error}") from None
    return [name.removeprefix("p(").removesuffix(")") for name in header[len(_SCORED) :]]


def probability_columns(class_names: Sequence[str]) -> list[str]:
    """The names of the columns of probabilities: a class may be called as another column is."""
    return [f"p({name})" for name in class_names]


def write_answers(
    path: Path, class_names: Sequence[str], rows: Iterable[AnswerRow], labels: Sequence[str] | None = None
) -> None:
    """Writes a table of predictions, and of `labels` where these are known; what a reason stands for is empty.

    Raises OSError.
    """
    empty = [""] * (1 + len(class_names))
    lines = [
        [*row[:2], *(empty if row.reason else [f"{v:.8g}" for v in (row.probability, *row.probabilities)]), row.reason]
        for row in rows
    ]
    table = [[*_ANSWERED, *probability_columns(class_names), "reason"], *lines]
    for line, label in zip(table, ["label", *labels] if labels is not None else (), strict=False):
        line.insert(1, label)
    durable.write_csv(path, table)


_SCORED = PredictionRow._fields[:3]
_ANSWERED = AnswerRow._fields[:3]
# How a table of `write_answers` begins, and one with labels.
ANSWERS_BEGINNING = ",".join(_ANSWERED).encode() + b","
LABELLED_BEGINNING = b"path,label,prediction,probability,"
SPLIT, QUARANTINE, BAD_BATCH, RATES = map(table_of, (SplitRow, RefusedRow, BatchRow, RateRow))
LABEL_ISSUES, SLICES = map(table_of, (LabelIssueRow, SliceRow))
ROBUSTNESS = table_of(RobustnessRow)
PREDICTIONS = Format(
    _write_predictions, _read_predictions
)  # written with the class names, a column each, before the rows
