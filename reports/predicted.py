"""What a model said of examples whose classes are known, as a page and its words take it."""

import dataclasses
import functools
from collections.abc import Sequence

import numpy as np

from evaluation.metrics import confusion_matrix
from records.tables import PredictionRow


@dataclasses.dataclass(frozen=True, eq=False)
class Predicted:
    """At least one example.

    Attributes:
      class_names: in class order.
      labels, answers: int [n], class numbers; an answer is not the likeliest class where a threshold decides.
      probabilities: float [n, classes].
    """

    class_names: Sequence[str]
    labels: np.ndarray
    answers: np.ndarray
    probabilities: np.ndarray

    @functools.cached_property
    def confusion(self) -> np.ndarray:
        """int64 [true class, answer] counts."""
        return confusion_matrix(self.labels, self.answers, len(self.class_names))

    @property
    def right(self) -> int:
        """Examples that were answered with their class."""
        return int(np.trace(self.confusion))

    def rows(self, rows: np.ndarray) -> "Predicted":
        """Of some of the examples: their numbers, or whether each is among them."""
        return Predicted(self.class_names, self.labels[rows], self.answers[rows], self.probabilities[rows])


def predicted_of(rows: Sequence[PredictionRow], class_names: Sequence[str]) -> Predicted | None:
    """What the rows of a table say; None where there are none.

    Raises ValueError where they name a class that is not in `class_names`.
    """
    numbers = {name: number for number, name in enumerate(class_names)}
    unknown = {name for row in rows for name in (row.label, row.prediction)} - set(numbers)
    if unknown:
        raise ValueError(f"a prediction names the class {min(unknown)!r}, the results do not: both must be of one run")
    if not rows:
        return None
    labels, answers = np.array([(numbers[row.label], numbers[row.prediction]) for row in rows]).T
    return Predicted(class_names, labels, answers, np.stack([row.probabilities for row in rows]))
