"""The SavedModels of the runs that are compared, at work: on other pictures, and on the clock."""

import dataclasses
import hashlib
import os
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import tensorflow as tf

from base.errors import BadImage, UserError, one_line
from base.files import read_file
from jobs.announce import some_of
from jobs.finished_runs import FinishedRun, check_classes
from jobs.joined import Joined
from jobs.scored import Scored, pictures_of_folder
from jobs.timing import milliseconds_a_picture
from pipeline.sources.folders import check_outside
from serving.predictor import Predictor


def load_models(runs: Sequence[FinishedRun]) -> list[Predictor]:
    """Raises UserError for a SavedModel that is not as it was exported, or of other classes than the first run's."""
    models = [Predictor(run.folder.saved_model) for run in runs]
    for run, model in zip(runs, models, strict=True):
        check_classes(runs[0], run.name, model.class_names)
    return models


def find_pictures(
    runs: Sequence[FinishedRun], folder: Path, split: str, labels_csv: str, out_dir: Path | None, cache_dir: Path
) -> Scored:
    """Those of a folder on which none of the runs trained; raises UserError where there are none."""
    dataset = f"folder:{folder}"
    check_outside("--out_dir", out_dir or runs[0].path, dataset, "")
    check_outside("--cache_dir", cache_dir, dataset, "")
    contents = [run.folder.contents_by_split() for run in runs]
    seen = {name: set().union(*(one.get(name, ()) for one in contents)) for one in contents for name in one}
    found = pictures_of_folder(folder, split, labels_csv, cache_dir, runs[0].class_names, seen, include_trained=False)
    unknown = [run.name for run, one in zip(runs, contents, strict=True) if not one]
    notes = [f"trained on: not known of {name} without its split.csv" for name in unknown if len(unknown) < len(runs)]
    return dataclasses.replace(found, notes=[*found.notes, *notes])


def score(runs: Sequence[FinishedRun], models: Sequence[Predictor], scored: Scored) -> Joined:
    """What all models say of the pictures that all of them can decode; raises UserError where there are none."""
    names = runs[0].class_names
    answers = [list(model.predict(scored.paths)) for model in models]
    refused = [next((one for one in told if one.reason), None) for told in zip(*answers, strict=True)]
    rows = [
        row
        for row, (label, one) in enumerate(zip(scored.labels, refused, strict=True))
        if one is None and label in names
    ]
    if not rows:
        first = next((one.line() for one in refused if one), "its class is not known")
        raise UserError(f"none of {len(refused)} files could be classified by all runs; the first: {first}")
    digests = {row: _digest(scored.paths[row]) for row in rows}
    rows.sort(key=lambda row: (digests[row], scored.labels[row], scored.paths[row]))
    columns = [[model.class_names.index(name) for name in names] for model in models]
    lines = [f"refused: {one.line()}" for one in refused if one]
    return Joined(
        scored.what,
        names,
        [digests[row] for row in rows],
        np.array([names.index(scored.labels[row]) for row in rows]),
        np.array([[names.index(told[row].class_name) for row in rows] for told in answers]),
        np.stack([
            np.stack([told[row].probabilities[its] for row in rows])
            for told, its in zip(answers, columns, strict=True)
        ]),
        [os.fsdecode(scored.paths[row]) for row in rows],
        [[scored.paths[row]] for row in rows],
        [*scored.notes, *some_of(lines, "files", 5)],
    )  # fmt: skip


def time_models(models: Sequence[Predictor], contents: Sequence[bytes]) -> list[dict[int, float]] | None:
    """As `milliseconds_a_picture`, of encoded pictures; None where some model cannot decode one."""
    try:
        return milliseconds_a_picture([model.probabilities for model in models], contents)
    except tf.errors.InvalidArgumentError:
        return None


def machine_words() -> str:
    """What models run on here."""
    gpus = len(tf.config.list_physical_devices("GPU"))
    return f"{len(os.sched_getaffinity(0))} CPU cores" + (f" and {gpus} GPU{'s' if gpus > 1 else ''}" if gpus else "")


def _digest(path: bytes) -> str:
    try:
        content, _ = read_file(path)
    except (OSError, BadImage) as error:
        raise UserError(f"'{one_line(path)}' went away while it was scored ({error}): give the command again") from None
    return hashlib.sha256(content).hexdigest()
