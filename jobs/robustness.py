"""What evaluate.py --robustness does: a finished run's SavedModel, scored on corrupted pictures."""

import concurrent.futures
import os
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np

from base import durable
from base.errors import UserError, one_line
from base.results import ResultFolder
from base.watch import Watch
from evaluation.corruptions import CORRUPTIONS, corruptions_of
from evaluation.robustness import CLEAN, mean_accuracy, measure_robustness, passes_of, worst_row
from jobs.announce import some_of
from jobs.assess import Assessment, pictures_to_score, run_folder_of
from records.tables import ROBUSTNESS, RobustnessRow
from reports.robustness_plot import plot_robustness
from serving.pixel_predictor import PixelPredictor
from serving.predictor import find_saved_model

SEED = 1  # of noise, signs and directions: two models are asked about the same pictures
_BATCH, _BATCH_BYTES = 32, 16 << 20
_TABLE, _PLOT = "robustness.csv", "robustness.png"


def assess_robustness(asked: Assessment, cache_dir: Path, watch: Watch) -> list[str]:
    """Writes robustness.csv and robustness.png into a folder of their own; returns lines for the terminal.

    Raises UserError as `jobs.assess.assess`, and Stopped, which leaves nothing.
    """
    predictor = PixelPredictor(find_saved_model(asked.run_dir))
    scored = pictures_to_score(asked, predictor.class_names, cache_dir)
    out_dir = asked.out_dir or run_folder_of(asked.run_dir).evaluation / f"{scored.name}-robustness"
    results = ResultFolder("--out_dir", out_dir, {_TABLE: ROBUSTNESS.beginning}, (_PLOT,))
    results.check()
    numbers = {name: number for number, name in enumerate(predictor.class_names)}
    known = [
        (path, numbers[label]) for path, label in zip(scored.paths, scored.labels, strict=True) if label in numbers
    ]
    pictures = _Pictures(predictor, known)
    watch.say(
        f"robustness  {len(known)} pictures, each classified {passes_of(pictures.dtype)} times: as it is, and with "
        f"{len(corruptions_of(pictures.dtype))} corruptions in 5 severities"
    )
    rows = measure_robustness(pictures.batches(), predictor.classify, predictor.full_scale, SEED, len(known), watch)
    with results.open():
        ROBUSTNESS.write(out_dir / _TABLE, rows)
        title = f"{asked.run_dir.name}: {scored.what}"
        durable.write_bytes(out_dir / _PLOT, plot_robustness(rows, title))
    refused = [f"  refused: {line}" for line in pictures.refused]
    lines = _lines(scored.what, rows, pictures.dtype) + [f"  {note}" for note in scored.notes]
    return [*lines, *some_of(refused, "files", 5), f"written to {out_dir}: {_TABLE}, {_PLOT}"]


class _Pictures:
    """Files as the model is given them, a batch at a time; `refused` are those that gave no pixels, with the reason."""

    def __init__(self, predictor: PixelPredictor, known: Sequence[tuple[bytes, int]]):
        """`known` are files with the numbers of their classes; raises UserError where none gives pixels."""
        self._predictor, self._known, self.refused = predictor, known, []
        first = next((image for image in (predictor.decode(path)[0] for path, _ in known) if image is not None), None)
        if first is None:
            raise UserError(f"none of {len(known)} files could be decoded; the first: {one_line(known[0][0])}")
        self.dtype = first.dtype
        self._size = max(1, min(_BATCH, _BATCH_BYTES // first.nbytes))

    def batches(self) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        """(pixels, class numbers) of all that can be decoded."""
        with concurrent.futures.ThreadPoolExecutor(len(os.sched_getaffinity(0))) as pool:
            for start in range(0, len(self._known), self._size):
                some = self._known[start : start + self._size]
                decoded = list(pool.map(self._predictor.decode, (path for path, _ in some)))
                self.refused += [f"{one_line(path)}\t{reason}"
                                 for (path, _), (_, reason) in zip(some, decoded, strict=True) if reason]  # fmt: skip
                good = [(image, label) for (image, _), (_, label) in zip(decoded, some, strict=True)
                        if image is not None]  # fmt: skip
                if good:
                    yield np.stack([image for image, _ in good]), np.array([label for _, label in good])


def _lines(what: str, rows: Sequence[RobustnessRow], dtype: np.dtype) -> list[str]:
    clean, worst = rows[0], worst_row(rows)
    names = dict.fromkeys(row.corruption for row in rows if row.corruption != CLEAN)
    means = {name: mean_accuracy(row for row in rows if row.corruption == name) for name in names}
    lines = [
        f"{what}: clean accuracy {clean.accuracy:.4f} ({clean.accuracy_low:.4f} to {clean.accuracy_high:.4f})  loss "
        f"{clean.loss:.4f}  {clean.examples} examples",
        f"  corrupted: mean accuracy {mean_accuracy(rows):.4f} over {len(rows) - 1} corruptions and severities "
        f"({', '.join(f'{name} {mean:.4f}' for name, mean in means.items())})",
        f"  worst: {worst.corruption}, severity {worst.severity} ({worst.parameter:g} {worst.unit}): accuracy "
        f"{worst.accuracy:.4f} ({worst.accuracy_low:.4f} to {worst.accuracy_high:.4f})",
    ]
    left_out = [one.name for one in CORRUPTIONS if one not in corruptions_of(dtype)]
    return lines + [f"  left out: {name}: the pictures have 16 bits a channel, a {name} 8" for name in left_out]
