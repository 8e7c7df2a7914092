"""What corrupted pictures cost: accuracy and loss by corruption and severity, of batches that come by once."""

import concurrent.futures
import functools
import os
from collections.abc import Callable, Iterable, Sequence

import numpy as np

from base.watch import SILENT, Watch
from evaluation.corruptions import SEVERITIES, Corruption, corrupt, corruptions_of
from evaluation.metrics import log_losses, wilson_interval
from records.tables import RobustnessRow

CLEAN = "none"  # in the place of a corruption's name

Batch = tuple[np.ndarray, np.ndarray]


def measure_robustness(
    batches: Iterable[Batch], classify: Callable[[np.ndarray], Batch], full_scale: int, seed: int = 1,
    total: int = 0, watch: Watch = SILENT,
) -> list[RobustnessRow]:  # fmt: skip
    """A row for the pictures as they are, then one a corruption and severity; none where there is no picture.

    Args:
      batches: (pictures, labels): [n, height, width, channels] uint8 or uint16, all of one kind, and their class
        numbers, int [n]. Each is held no longer than it is corrupted and classified in all ways, by which memory is
        that of a batch whatever their number.
      classify: pictures -> (the class numbers answered, int [n]; probabilities, float32 [n, classes]).
      full_scale: as of `evaluation.corruptions.corrupt`, and so is `seed`.
      total: pictures in all batches, which the watch is told.

    Raises:
      Stopped: somebody asked for it.
    """
    tallies: list[_Tally] = []
    with concurrent.futures.ThreadPoolExecutor(len(os.sched_getaffinity(0))) as pool:
        for pictures, labels in batches:
            tallies = tallies or _tallies_of(pictures)
            for number, tally in enumerate(tallies):
                watch.check("while corrupted pictures were scored")
                one = functools.partial(
                    corrupt, corruption=tally.corruption, severity=tally.severity, seed=seed, full_scale=full_scale
                )
                # scipy's filters and Pillow leave other threads running; the order is that of the pictures.
                spoilt = pictures if tally.corruption is None else np.stack([*pool.map(one, pictures)])
                tally.add(labels, *classify(spoilt))
                done = len(tallies) * (tally.examples - len(labels)) + len(labels) * (number + 1)
                watch.progress(done, len(tallies) * total, tally.words)
    watch.close()
    return [tally.row() for tally in tallies]


def passes_of(dtype: np.dtype) -> int:
    """How many times each picture of uint8, or of uint16, is classified."""
    return 1 + len(corruptions_of(dtype)) * len(SEVERITIES)


def mean_accuracy(rows: Iterable[RobustnessRow]) -> float:
    """Of corrupted pictures, each corruption and severity counting alike."""
    return float(np.mean([row.accuracy for row in rows if row.corruption != CLEAN]))


def worst_row(rows: Iterable[RobustnessRow]) -> RobustnessRow:
    """The corruption and severity of the lowest accuracy; of equals the first."""
    return min((row for row in rows if row.corruption != CLEAN), key=lambda row: row.accuracy)


class _Tally:
    """What a corruption and severity came to so far; a corruption of None leaves the pictures as they are."""

    def __init__(self, corruption: Corruption | None, severity: int, sides: Sequence[int]):
        self.corruption, self.severity = corruption, severity
        self._parameter = "" if corruption is None else float(f"{corruption.parameter(severity, sides):.4g}")
        self.examples = self._right = 0
        self._loss = 0.0

    @property
    def words(self) -> str:
        return "as they are" if self.corruption is None else f"{self.corruption.name}, severity {self.severity}"

    def add(self, labels: np.ndarray, classes: np.ndarray, probabilities: np.ndarray) -> None:
        self.examples += len(labels)
        self._right += int(np.sum(classes == labels))
        self._loss += float(np.sum(log_losses(labels, probabilities)))

    def row(self) -> RobustnessRow:
        name, unit = (CLEAN, "") if self.corruption is None else (self.corruption.name, self.corruption.unit)
        low, high = wilson_interval(self._right, self.examples)
        accuracy, loss = self._right / self.examples, round(self._loss / self.examples, 6)
        return RobustnessRow(name, self.severity, self._parameter, unit, self.examples, accuracy, low, high, loss)


def _tallies_of(pictures: np.ndarray) -> list[_Tally]:
    sides, corruptions = pictures.shape[1:3], corruptions_of(pictures.dtype)
    return [_Tally(None, 0, sides)] + [_Tally(one, severity, sides) for one in corruptions for severity in SEVERITIES]
