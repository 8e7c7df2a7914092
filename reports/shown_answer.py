"""An answer with its picture, as sections and sheets show it."""

import dataclasses

import numpy as np


@dataclasses.dataclass(frozen=True, slots=True)
class ShownAnswer:
    """An example of class `label` to which the model answered `prediction`."""

    path: str  # bytes that are no UTF-8 as surrogate escapes
    label: str
    prediction: str
    probability: float  # what the model gave that answer, in [0, 1]
    image: np.ndarray  # [height, width, channels] uint8, 1 or 3 channels

    @property
    def words(self) -> str:
        """What was answered, in words."""
        return self.label if self.label == self.prediction else f"{self.label} taken for {self.prediction}"
