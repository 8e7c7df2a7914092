"""Folders of finished runs that no training made: pictures, splits, predictions and results as a run's own writers have
them."""

import dataclasses
import hashlib
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from evaluation.metrics import scores
from jobs.options import resolve
from records.run_folder import RunFolder
from records.tables import PredictionRow, SplitRow
from tests.conftest import random_picture, write_picture

CLASSES = ("cats", "dogs", "wolves")


@dataclasses.dataclass(frozen=True)
class Pictures:
    """A folder of pictures that runs are tested on: `rows` are (path, label, SHA-256)."""

    root: Path
    rows: Sequence[tuple[str, str, str]]


def write_pictures(root: Path, count: int = 30, class_names: Sequence[str] = CLASSES) -> Pictures:
    """`count` pictures, of which the last two have the same bytes."""
    rows = []
    for number in range(count):
        label = class_names[number % len(class_names)]
        path = f"{label}/{number:03d}.png"
        write_picture(root / path, random_picture(number, height=12, width=16))
        rows.append((path, label))
    (root / rows[-1][0]).write_bytes((root / rows[-2][0]).read_bytes())
    return Pictures(root, [(*row, hashlib.sha256((root / row[0]).read_bytes()).hexdigest()) for row in rows])


def write_run(
    path: Path, pictures: Pictures, wrong: Sequence[int] = (), *, class_names=CLASSES, rows=None, sure=0.8,
    options=(), **results,
) -> Path:  # fmt: skip
    """A finished run whose answers are right but for the examples `wrong`, of all `pictures` or of other `rows`.

    It is `sure` of its answers, a little less of each example than of the one before.
    """
    folder, rows = RunFolder(path), list(pictures.rows if rows is None else rows)
    labels = np.array([class_names.index(label) for _, label, _ in rows], int)
    answers = np.where(np.isin(np.arange(len(rows)), wrong), (labels + 1) % len(class_names), labels)
    of_answer = (sure - 0.2 * np.arange(len(rows)) / max(1, len(rows))).astype(np.float32)
    probabilities = np.repeat((1 - of_answer[:, None]) / (len(class_names) - 1), len(class_names), axis=1)
    probabilities[np.arange(len(rows)), answers] = of_answer
    folder.options.write(resolve(f"folder:{pictures.root}", {"epochs": 3} | dict(options)).to_json())
    trained = [SplitRow(f"train/{number}.png", class_names[0], "train", f"{number:064x}") for number in range(4)]
    folder.split.write(trained + [SplitRow(one, label, "test", digest) for one, label, digest in rows])
    folder.predictions.write(class_names, [
        PredictionRow(one, label, class_names[answer], row)
        for (one, label, _), answer, row in zip(rows, answers, probabilities, strict=True)
    ])  # fmt: skip
    folder.results.write(
        {"dataset": f"folder:{pictures.root}", "data_origin": "real", "class_names": list(class_names),
         "train": {"examples": 4}, "test": scores(labels, probabilities, answers) if rows else None, "seconds": 61.5,
         "parameters": 12345, "device": "CPU", "versions": {"keras": "3"}, "weights_sha256": str(path)} | results,
    )  # fmt: skip
    folder.saved_model.mkdir()
    (folder.saved_model / "saved_model.pb").write_bytes(b"x" * 1000)
    folder.report.write("<!DOCTYPE html>\n")
    return path
