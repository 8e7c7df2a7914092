"""What evaluate.py --gradcam adds to the scores: a sheet of where the run's model looked."""

from collections.abc import Sequence

import keras
import numpy as np

from base.errors import one_line
from evaluation.gradcam import last_grid
from jobs.answered import Answered
from jobs.attention import NO_GRID, look, rows_to_show
from records.tables import PredictionRow
from reports.attention import attention_sheet
from reports.contact_sheet import draw_sheet
from serving.pixel_predictor import PixelPredictor

SHEET = "gradcam.png"


def draw_gradcam(
    model: keras.Model, predictor: PixelPredictor, answered: Answered, paths: Sequence[bytes]
) -> tuple[bytes | None, str]:
    """(a PNG of the worst mistakes and of some right answers among the files at `paths`, what it shows); or (None, why
    there is none).

    `model` is the one that `predictor` holds, built again; the ids of `answered` are places in `paths`.
    """
    grid = last_grid(model)
    if grid is None:
        return None, NO_GRID
    names, looked = predictor.class_names, []
    for rows in rows_to_show(answered):
        some = answered.rows(rows)
        files = [paths[place] for place in some.example_ids]
        pixels = [predictor.decode(path)[0] for path in files]
        columns = zip(files, some.labels, some.answers, some.probabilities, strict=True)
        table = [PredictionRow(one_line(path), names[label], names[answer], row)
                 for path, label, answer, row in columns]  # fmt: skip
        stored = np.stack(pixels) if pixels else np.zeros((0, *predictor.pixel_shape))
        looked.append(look(model, grid, stored, predictor.full_scale, table, some.answers))
    mistakes, right = looked
    shown = f"{SHEET} shows {len(mistakes)} mistakes and {len(right)} right answers, by {grid}"
    return draw_sheet(attention_sheet(mistakes, right)), shown
