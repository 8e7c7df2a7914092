"""Folders of finished runs that nobody trained, and what stands in for train.py: for tests of several runs."""

import dataclasses
import json
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np

from evaluation.metrics import scores
from jobs.options import RunOptions
from records.run_folder import RunFolder
from records.tables import PredictionRow, SplitRow

CLASSES = ("cat", "dog")


def _splits(first: int) -> list[SplitRow]:
    """40 examples; those from `first` on are tested, ten of them, the ten after these validate."""
    names = ["train"] * 40
    for one in range(20):
        names[(first + one) % 40] = "test" if one < 10 else "validation"
    return [SplitRow(f"{one}.jpg", CLASSES[one % 2], names[one], f"{one:064x}") for one in range(40)]


def _probabilities(seed: int, right: int, labels: np.ndarray) -> np.ndarray:
    """float32 [n, 2]: the first `right` are answered right."""
    sure = np.random.default_rng(seed).uniform(0.55, 0.95, len(labels)).astype(np.float32)
    answers = np.where(np.arange(len(labels)) < right, labels, 1 - labels)
    return np.where(answers[:, None] == np.arange(2), sure[:, None], 1 - sure[:, None])


def write_finished(path: Path, options: RunOptions, right: int = 8, first: int = 0, **more) -> Path:
    """A whole run folder, whose model is right in `right` of ten examples of validation and of test; `more` of
    results.json."""
    folder = RunFolder(path)
    rows = _splits(first)
    tested = [row for row in rows if row.split == "test"]
    labels = np.array([CLASSES.index(row.label) for row in tested])
    probabilities = _probabilities(first, right, labels)
    figures = scores(labels, probabilities)
    folder.options.write(dataclasses.replace(options, threads=options.threads or 2).to_json())
    folder.split.write(rows)
    folder.predictions.write(CLASSES, [
        PredictionRow(row.path, row.label, CLASSES[one.argmax()], one)
        for row, one in zip(tested, probabilities, strict=True)
    ])  # fmt: skip
    folder.results.write({
        "dataset": options.data.dataset, "model": options.model.name, "class_names": list(CLASSES), "train": figures,
        "validation": figures, "test": figures, "best_epoch": 2, "seconds": 1.5, "manifest_sha256": "0a",
        "epochs_asked": options.training.epochs,
    } | more)  # fmt: skip
    folder.saved_model.mkdir()
    (folder.saved_model / "saved_model.pb").touch()
    folder.report.write("<html>")
    return path


class MadeRunner:
    """Stands in for train.py: remembers what it was asked for, by the run's name, and makes what `makes` says."""

    def __init__(self, makes: Callable[[Path, Sequence[str]], int]):
        """`makes` takes a run's folder and its other arguments, and gives an exit code."""
        self._makes = makes
        self.asked: dict[str, list[str]] = {}

    def __call__(self, arguments: Sequence[str]) -> int:
        *words, place = arguments
        path = Path(place.removeprefix("--run_dir="))
        assert path.name not in self.asked, "a run was begun twice"
        self.asked[path.name] = words
        return self._makes(path, words)


def everything_in(path: Path) -> dict[str, str]:
    """The text of all files of a folder of runs, by path, without the locks."""
    files = [one for one in sorted(path.rglob("*")) if one.is_file() and one.name != ".lock"]
    return {str(one.relative_to(path)): one.read_text() for one in files}


def plan_of(path: Path) -> dict:
    """What runs.json holds."""
    return json.loads((path / "runs.json").read_text())
