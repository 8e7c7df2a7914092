"""What a run's model says of its test examples: a row each, and the worst mistakes with their pictures."""

from collections.abc import Sequence

import numpy as np

from evaluation.metrics import worst_mistakes
from jobs.answered import Answered
from pipeline.augment.scale import to_float
from pipeline.data import Data
from records.tables import PredictionRow
from reports.contact_sheet import Band, Sheet, Tile, small
from reports.numbers import percent
from reports.plots import displayable
from reports.shown_answer import ShownAnswer

MISTAKES_SHOWN = 24


def prediction_rows(data: Data, answered: Answered) -> list[PredictionRow]:
    """A row an example, for predictions_test.csv."""
    names = data.manifest.class_names
    columns = zip(answered.example_ids, answered.labels, answered.answers, answered.probabilities, strict=True)
    return [
        PredictionRow(data.manifest.shown_path(example_id), names[label], names[answer], row)
        for example_id, label, answer, row in columns
    ]


def shown_pictures(data: Data, example_ids: np.ndarray) -> np.ndarray:
    """Of at least one example, as evaluation sees it: [n, height, width, 3] uint8."""
    stored = data.pixels.read(example_ids)
    return displayable(to_float(stored, data.pixels.pixel_format.full_scale).numpy())


def find_mistakes(data: Data, answered: Answered) -> tuple[list[ShownAnswer], Sheet | None]:
    """The most confident mistakes, worst first, and one sheet of them (None where there are none)."""
    wrong = answered.rows(worst_mistakes(answered.labels, answered.probabilities, answered.answers, MISTAKES_SHOWN))
    if not len(wrong):
        return [], None
    images = shown_pictures(data, wrong.example_ids)
    surely = wrong.probabilities[np.arange(len(wrong)), wrong.answers]
    mistakes = [
        ShownAnswer(row.path, row.label, row.prediction, float(sure), image)
        for row, sure, image in zip(prediction_rows(data, wrong), surely, images, strict=True)
    ]
    return mistakes, _sheet_of(mistakes, data.manifest.class_names)


def _sheet_of(mistakes: Sequence[ShownAnswer], class_names: Sequence[str]) -> Sheet:
    numbers = {name: number for number, name in enumerate(class_names)}

    def tile(one: ShownAnswer) -> Tile:
        sure, fallback = percent(one.probability), f"class {numbers[one.label]} for {numbers[one.prediction]}"
        return Tile(small(one.image), f"{sure} {one.words}", one.path, f"{sure} {fallback}")

    return Sheet([Band([tile(one) for one in mistakes])])
