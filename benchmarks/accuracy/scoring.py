"""A finished run's test split, and a function that scores weights of its checkpoints on it."""

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np

from base.watch import SILENT
from evaluation.probabilities import make_predictor, predict_batches, split_batches
from jobs.prepare import load_data
from jobs.rebuilt import saved_options
from models.zoo import build_model
from records.run_folder import RunFolder
from training.checkpoint import restore

BATCH = 64


def make_score(run_dir: Path, cache_dir: Path) -> Callable[[Sequence[np.ndarray]], float]:
    """(arrays of a checkpoint's part "model") -> accuracy on the test split, in float32."""
    options = saved_options(RunFolder(run_dir))
    data = load_data(options, cache_dir, SILENT)
    ids, names = data.splits.ids["test"], data.manifest.class_names
    model = build_model(options.model.to_restore(), options.seed, len(names), data.pixels.pixel_format.shape)
    predict = make_predictor(model, options.model.test_time_flip)
    batches, labels = split_batches(data, ids, BATCH), data.manifest.labels[ids]

    def score(arrays: Sequence[np.ndarray]) -> float:
        restore({"model": model.variables}, {"model": arrays})
        return float((predict_batches(predict, batches).argmax(axis=1) == labels).mean())

    return score
