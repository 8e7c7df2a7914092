"""Where a run's model looked, by Grad-CAM: at its worst mistakes, and at some of what it got right."""

from collections.abc import Iterable, Sequence

import keras
import numpy as np

from evaluation.gradcam import Grid, class_maps, last_grid
from evaluation.metrics import worst_mistakes
from jobs.answered import Answered
from jobs.mistakes import MISTAKES_SHOWN, prediction_rows
from jobs.run import Run
from pipeline.augment.scale import to_float
from records.tables import PredictionRow
from reports.attention import Looked, attention_section
from reports.plots import displayable
from reports.templates import Section

RIGHT_SHOWN = 12
NO_GRID = "none: the model does not end in a grid of features, which Grad-CAM would draw"


def attention_sections(run: Run, model: keras.Model, test: Answered) -> list[Section]:
    """The report's section on the test split; none, which is said, where the model has no places to show."""
    if not len(test):
        return []
    grid = last_grid(model)
    if grid is None:
        run.watch.say(f"attention   {NO_GRID}")
        return []
    groups = []
    for rows in rows_to_show(test):
        some = test.rows(rows)
        stored = run.data.pixels.read(some.example_ids)
        full_scale = run.data.pixels.pixel_format.full_scale
        groups.append(look(model, grid, stored, full_scale, prediction_rows(run.data, some), some.answers))
    return [attention_section(*groups, str(grid))]


def rows_to_show(answered: Answered) -> tuple[np.ndarray, np.ndarray]:
    """(of the most confident mistakes, worst first; of right answers, evenly spread), int."""
    right = np.flatnonzero(answered.answers == answered.labels)
    spread = np.unique(np.linspace(0, len(right) - 1, min(RIGHT_SHOWN, len(right))).astype(int))
    wrong = worst_mistakes(answered.labels, answered.probabilities, answered.answers, MISTAKES_SHOWN)
    return wrong, right[spread]


def look(
    model: keras.Model, grid: Grid, stored: np.ndarray, full_scale: int, rows: Iterable[PredictionRow],
    answers: Sequence[int],
) -> list[Looked]:  # fmt: skip
    """What spoke for each of `answers`, by `grid`; `stored` are the pictures' pixels, [n, height, width, channels]
    uint8 or uint16, and `rows` say whose they are."""
    if not len(stored):
        return []
    images = to_float(stored, full_scale).numpy()
    maps = class_maps(model, grid, images, np.asarray(answers))
    return [
        Looked(row.path, row.label, row.prediction, float(row.probabilities[answer]), image, map)
        for row, answer, image, map in zip(rows, answers, displayable(images), maps, strict=True)
    ]
