"""Examples of a run with what a model says of them: from one pass, in one place."""

import dataclasses

import numpy as np


@dataclasses.dataclass(frozen=True, eq=False)
class Answered:
    """Examples of a run in file order: their ids and labels, int [n], the model's probabilities, float32 [n, classes],
    and the classes that it answers, int [n]."""

    example_ids: np.ndarray
    labels: np.ndarray
    probabilities: np.ndarray
    answers: np.ndarray

    def __len__(self) -> int:
        """How many examples."""
        return len(self.labels)

    def rows(self, rows: np.ndarray) -> "Answered":
        """Those of some rows."""
        return Answered(*(getattr(self, field.name)[rows] for field in dataclasses.fields(self)))
