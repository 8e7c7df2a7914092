"""What a run's model says of its test examples: a row each, and the worst mistakes with their pictures."""

from collections.abc import Sequence

import numpy as np

from evaluation.metrics import worst_mistakes
from pipeline.augment.scale import to_float
from pipeline.data import Data
from records.tables import PredictionRow
from reports.contact_sheet import Band, Sheet, Tile, small
from reports.numbers import percent
from reports.page import Mistake
from reports.plots import displayable

MISTAKES_SHOWN = 24


def prediction_rows(data: Data, example_ids: np.ndarray, probabilities: np.ndarray) -> list[PredictionRow]:
    """A row an example, for predictions_test.csv; `probabilities` are float32 [examples, classes]."""
    names, labels = data.manifest.class_names, data.manifest.labels
    return [
        PredictionRow(data.manifest.shown_path(example_id), names[labels[example_id]], names[int(row.argmax())], row)
        for example_id, row in zip(example_ids, probabilities, strict=True)
    ]


def find_mistakes(data: Data, example_ids: np.ndarray, probabilities: np.ndarray) -> tuple[list[Mistake], Sheet | None]:
    """The most confident mistakes, worst first, and one sheet of them (None where there are none)."""
    if not len(example_ids):
        return [], None
    rows = worst_mistakes(data.manifest.labels[example_ids], probabilities, MISTAKES_SHOWN)
    if not len(rows):
        return [], None
    stored = data.pixels.read(example_ids[rows])
    images = displayable(to_float(stored, data.pixels.pixel_format.full_scale).numpy())
    wrong = prediction_rows(data, example_ids[rows], probabilities[rows])
    mistakes = [
        Mistake(row.path, row.label, row.prediction, float(row.probabilities.max()), image)
        for row, image in zip(wrong, images, strict=True)
    ]
    return mistakes, _sheet_of(mistakes, data.manifest.class_names)


def _sheet_of(mistakes: Sequence[Mistake], class_names: Sequence[str]) -> Sheet:
    numbers = {name: number for number, name in enumerate(class_names)}

    def tile(one: Mistake) -> Tile:
        sure, fallback = percent(one.probability), f"class {numbers[one.label]} for {numbers[one.prediction]}"
        name = f"{one.label} taken for {one.prediction}"
        return Tile(small(one.image), f"{sure} {name}", one.path, f"{sure} {fallback}")

    return Sheet([Band([tile(one) for one in mistakes])])
