"""A finished run's test split, and a function that scores weights of its checkpoints on it."""

import json
import operator
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np

from base.options import leaves
from base.watch import SILENT
from evaluation.probabilities import make_predictor, predict_batches, split_batches
from jobs.options import RunOptions
from jobs.prepare import load_data
from models.zoo import build_model
from training.checkpoint import restore

BATCH = 64


def make_score(run_dir: Path, cache_dir: Path) -> Callable[[Sequence[np.ndarray]], float]:
    """(arrays of a checkpoint's part "model") -> accuracy on the test split, in float32."""
    options = _options(json.loads((run_dir / "options.json").read_text()))
    data = load_data(options, cache_dir, SILENT)
    ids, names = data.splits.ids["test"], data.manifest.class_names
    model = build_model(options.model.to_restore(), options.seed, len(names), data.pixels.pixel_format.shape)
    predict = make_predictor(model, options.model.test_time_flip)
    batches, labels = split_batches(data, ids, BATCH), data.manifest.labels[ids]

    def score(arrays: Sequence[np.ndarray]) -> float:
        restore({"model": model.variables}, {"model": arrays})
        return float((predict_batches(predict, batches).argmax(axis=1) == labels).mean())

    return score


def _options(values: dict) -> RunOptions:
    found = {}
    for leaf in leaves(RunOptions):
        value = values
        for name in leaf.path:
            value = operator.getitem(value, name)
        found[leaf.name] = tuple(value) if isinstance(value, list) else value
    return RunOptions().changed(found)
