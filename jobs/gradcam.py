"""What evaluate.py --gradcam adds to the scores: where the run's model looked."""

import dataclasses
from collections.abc import Sequence
from pathlib import Path

import keras
import numpy as np

from base import durable
from base.errors import one_line
from evaluation.gradcam import last_grid
from jobs.answered import Answered
from jobs.attention import NO_GRID, look, rows_to_show
from records.tables import PredictionRow
from reports.attention import attention_section, attention_sheet
from reports.contact_sheet import draw_sheet
from reports.predicted import Predicted
from reports.templates import Section
from serving.pixel_predictor import PixelPredictor

GRADCAM = "gradcam.png"


@dataclasses.dataclass(frozen=True)
class LookedAt:
    """Worst mistakes and some right answers with their maps: a `sheet` as a PNG and `sections` of a page; and in
    `words` what they show, or why there are none."""

    sheet: bytes = b""
    sections: Sequence[Section] = ()
    words: str = ""

    def write(self, out_dir: Path) -> list[str]:
        """Writes the sheet, or takes away that of a call before, which may be of another model; returns the names of
        the files."""
        if not self.sheet:
            (out_dir / GRADCAM).unlink(missing_ok=True)
            return []
        durable.write_bytes(out_dir / GRADCAM, self.sheet)
        return [GRADCAM]


NOTHING = LookedAt()


def draw_gradcam(
    model: keras.Model, predictor: PixelPredictor, predicted: Predicted, paths: Sequence[bytes]
) -> LookedAt:
    """Of the files at `paths`, of which `predicted` says what `predictor` said; `model` is the one that it holds, built
    again."""
    grid = last_grid(model)
    if grid is None:
        return LookedAt(words=f"{GRADCAM} {NO_GRID}")
    places = np.arange(len(paths))
    answered = Answered(places, predicted.labels, predicted.probabilities, predicted.answers)
    names, looked = predicted.class_names, []
    for rows in rows_to_show(answered):
        some = answered.rows(rows)
        files = [paths[place] for place in some.example_ids]
        columns = zip(files, some.labels, some.answers, some.probabilities, strict=True)
        table = [PredictionRow(one_line(path), names[label], names[answer], row)
                 for path, label, answer, row in columns]  # fmt: skip
        pixels = np.array([predictor.decode(path)[0] for path in files])
        looked.append(look(model, grid, pixels, predictor.full_scale, table, some.answers))
    mistakes, right = looked
    words = f"{GRADCAM} shows {len(mistakes)} mistakes and {len(right)} right answers, by {grid}"
    return LookedAt(draw_sheet(attention_sheet(*looked)), [attention_section(*looked, str(grid))], words)
