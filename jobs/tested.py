"""What a finished run says of its test examples, read from its tables and checked: its folder may be a stranger's."""

import collections
import dataclasses
import os
import re
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from base.errors import UserError
from evaluation.metrics import scores
from jobs.finished_runs import FinishedRun
from pipeline.sources.folders import data_folder
from records.tables import PredictionRow, SplitRow, predicted_classes

OTHERWISE = "or score all of them on other pictures with --dataset=folder:PATH"
_ROUNDING = 1e-5
Key = tuple[str, str, int]  # SHA-256, label, and which of several that are alike


@dataclasses.dataclass(frozen=True, eq=False)
class Tested:
    """The test examples of a run.

    Attributes:
      rows: a row an example, of split.csv.
      answers: the name of the class that the run answers.
      probabilities: float32 [examples, classes].
      roots: folders in which the pictures may lie.
    """

    rows: Sequence[SplitRow]
    answers: Sequence[str]
    probabilities: np.ndarray
    roots: Sequence[bytes]

    def by_key(self) -> dict[Key, int]:
        """Row of each example; two of one content and label are told apart by their order."""
        seen, found = collections.Counter(), {}
        for number, row in enumerate(self.rows):
            found[row.sha256, row.label, seen[row.sha256, row.label]] = number
            seen[row.sha256, row.label] += 1
        return found


def read_tested(run: FinishedRun, data_dir: str, cache_dir: Path) -> Tested:
    """Raises UserError for a run without test examples, and for tables that are damaged or not of one run."""
    shown, folder = repr(str(run.path)), run.folder
    name, split_name = folder.predictions.path.name, folder.split.path.name
    predictions = _read_predictions(run)
    dataset, its_data_dir, rows = folder.examples_of("test", run.class_names)
    if [(row.path, row.label) for row in rows] != [(row.path, row.label) for row in predictions]:
        raise UserError(f"{shown}: {name} and {split_name} have other test examples: they are not of one run")
    unhashed = next((row for row in rows if not re.fullmatch("[0-9a-f]{64}", row.sha256)), None)
    if unhashed:
        raise UserError(f"{shown}: {split_name} has no SHA-256 of {unhashed.path!r:.80}, by which runs are compared")
    answers = [row.prediction for row in predictions]
    probabilities = np.stack([row.probabilities for row in predictions])
    _check_scores(run, [row.label for row in rows], answers, probabilities)
    return Tested(rows, answers, probabilities, _roots(dataset, data_dir or its_data_dir, cache_dir))


def _read_predictions(run: FinishedRun) -> list[PredictionRow]:
    shown, table = repr(str(run.path)), run.folder.predictions
    name = table.path.name
    if not table.path.exists():
        raise UserError(f"{shown} has no {name}: put it back, {OTHERWISE}")
    try:
        predictions, columns = table.read(), predicted_classes(table.path)
    except (OSError, ValueError) as error:
        raise _damaged(run, error) from None
    if not predictions:
        raise UserError(f"{shown} has no test example: compare runs that have a test split, {OTHERWISE}")
    if columns != list(run.class_names):
        raise UserError(
            f"{shown}: {name} has other classes than {run.folder.results.path.name}: they are not of one run"
        )
    return predictions


def _check_scores(run: FinishedRun, labels: Sequence[str], answers: Sequence[str], probabilities: np.ndarray) -> None:
    """Raises UserError where the table's scores are none, or not those that the run had."""
    try:
        numbers = (np.array([run.class_names.index(name) for name in names]) for names in (labels, answers))
        found = scores(next(numbers), probabilities, next(numbers))
    except ValueError as error:
        raise _damaged(run, error) from None
    recorded = run.results.get("test")
    for figure in ("accuracy", "loss"):
        value = recorded.get(figure) if isinstance(recorded, dict) else None
        if isinstance(value, float) and abs(value - found[figure]) > _ROUNDING * max(1.0, abs(value)):
            raise UserError(
                f"{str(run.path)!r}: {run.folder.predictions.path.name} comes to {figure} {found[figure]:.4f}, "
                f"{run.folder.results.path.name} says {value:.4f}: they are not of one run"
            )


def _damaged(run: FinishedRun, error: Exception) -> UserError:
    name = run.folder.predictions.path.name
    return UserError(f"{str(run.path)!r}: {name} is damaged ({error}): put it back, {OTHERWISE}")


def _roots(dataset: str, data_dir: str, cache_dir: Path) -> list[bytes]:
    """Where a data set's pictures may lie: nothing is fetched or rendered, and what lies there is checked."""
    roots = [data_folder(dataset, data_dir)] if data_folder(dataset, data_dir) else []
    if not dataset.startswith("folder:"):  # rendered faces, and what TFDS gives
        roots += sorted([*cache_dir.glob("*/"), *cache_dir.glob("tfds/*/")])
    return [os.path.abspath(os.fsencode(root)) for root in roots]
