"""Tables of predictions, with a probability column a class: a run's own, and those of other pictures."""

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

from base import durable
from records.tables import read_lines

_SCORED = ("path", "label", "prediction")
_ANSWERED = ("path", "prediction", "probability")
ANSWERS_BEGINNING = ",".join(_ANSWERED).encode() + b","  # how a table of `write_answers` begins


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


def write_predictions(path: Path, class_names: Sequence[str], rows: Iterable[PredictionRow]) -> None:
    """Writes a run's table; the probabilities have the digits that give every bit back. Raises OSError."""
    lines = [(*row[:3], *(np.format_float_positional(value, unique=True, trim="0") for value in row.probabilities))
             for row in rows]  # fmt: skip
    durable.write_csv(path, [(*_SCORED, *class_names), *lines])


def read_predictions(path: Path) -> list[PredictionRow]:
    """What `write_predictions` wrote; raises OSError, and ValueError for a file that is no such table."""
    header, rows = read_lines(path)
    # By place: a class may be called "label", and then a column is, too.
    if tuple(header[:3]) != _SCORED:
        raise ValueError(f"{path.name} does not begin with the columns {', '.join(_SCORED)}")
    return [PredictionRow(*row[:3], np.array(row[3:], np.float32)) for row in rows]


def write_answers(path: Path, class_names: Sequence[str], rows: Iterable[AnswerRow]) -> None:
    """Writes a table of predictions without labels; what a reason stands for is empty. Raises OSError."""
    lines = [(row.path, row.prediction, *_shown(row, len(class_names)), row.reason) for row in rows]
    durable.write_csv(path, [(*_ANSWERED, *class_names, "reason"), *lines])


def _shown(row: AnswerRow, num_classes: int) -> list[str]:
    if row.reason:
        return [""] * (1 + num_classes)
    return [f"{value:.8g}" for value in (row.probability, *row.probabilities)]
