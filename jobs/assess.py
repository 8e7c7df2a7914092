"""What evaluate.py does: a finished run's SavedModel, scored on files it is given as bytes."""

import hashlib
import os
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from base import durable
from base.errors import BadImage, UserError
from base.files import read_file
from base.results import ResultFolder
from evaluation.metrics import class_figures, confusion_matrix, scores
from pipeline.sources.catalog import open_catalog
from pipeline.sources.folders import catalog_of_folder, check_outside, data_folder
from pipeline.sources.index import build_index
from records.run_folder import RunFolder
from records.tables import ANSWERS_BEGINNING, write_answers
from reports.plots import plot_confusion
from serving.predictor import Prediction, Predictor, find_saved_model

_TABLES = {"predictions.csv": ANSWERS_BEGINNING, "scores.json": b'{\n  "accuracy":'}
_PICTURES = ("confusion.png",)


def assess(
    run_dir: Path, split: str, dataset: str | None, data_dir: str | None, out_dir: Path, cache_dir: Path
) -> list[str]:
    """Writes predictions.csv, scores.json and confusion.png to `out_dir`; returns lines for the terminal.

    Raises UserError for a run that is not finished, pictures that have moved, classes that the run does not know, and
    files of these names in `out_dir` that are not evaluate.py's.
    """
    saved_model = find_saved_model(run_dir)
    results = ResultFolder("--out_dir", out_dir, _TABLES, _PICTURES)
    results.check()
    predictor = Predictor(saved_model)
    if dataset:
        check_outside("--out_dir", out_dir, dataset, "")
        check_outside("--cache_dir", cache_dir, dataset, "")
        paths, names = _pictures_of(dataset, cache_dir, predictor.class_names)
    else:
        paths, names = _pictures_of_split(run_dir, split, predictor.class_names, data_dir, out_dir, cache_dir)
    labels = np.array([predictor.class_names.index(name) for name in names])
    predictions = list(predictor.predict(paths))
    good = np.array([not prediction.reason for prediction in predictions])
    if not good.any():
        raise UserError(f"none of {len(paths)} files could be classified; the first: {predictions[0].line()}")
    rows = np.stack([prediction.probabilities for prediction in predictions if not prediction.reason])
    figures = scores(labels[good], rows)
    confusion = confusion_matrix(labels[good], rows.argmax(axis=1), len(predictor.class_names))
    _write(results, predictor.class_names, predictions, figures, confusion)
    return _lines(dataset or f"split {split}", figures, confusion, predictor.class_names, predictions, out_dir)


def _pictures_of(dataset: str, cache_dir: Path, class_names: Sequence[str]) -> tuple[list[bytes], list[str]]:
    kind, _, folder = dataset.partition(":")
    if kind != "folder" or not folder:
        raise UserError(f"--dataset={dataset}: evaluate.py takes folder:PATH, with folders named as the run's classes")
    manifest = build_index(catalog_of_folder(Path(folder)), cache_dir, len(os.sched_getaffinity(0)))
    unknown = [name for name in manifest.class_names if name not in class_names]
    if unknown:
        raise UserError(f"{folder!r} has the class folder {unknown[0]!r}: the run knows {', '.join(class_names)}")
    if not len(manifest):
        raise UserError(f"{folder!r} holds no picture that can be read")
    paths = [manifest.source.path(example_id) for example_id in range(len(manifest))]
    return paths, [manifest.class_names[label] for label in manifest.labels]


def _pictures_of_split(run_dir: Path, split: str, class_names: Sequence[str], data_dir, out_dir: Path, cache_dir: Path):
    run_dataset, run_data_dir, rows = RunFolder(run_dir).examples_of(split, class_names)
    data_dir = data_dir or run_data_dir
    check_outside("--out_dir", out_dir, run_dataset, data_dir)
    if run_dataset.startswith("folder:"):
        root = os.fsencode(data_folder(run_dataset, data_dir))
    else:
        root = open_catalog(run_dataset, data_dir, cache_dir).root
    paths = [os.path.join(root, os.fsencode(row.path)) for row in rows]
    missing = next((path for path in paths if not os.path.exists(path)), None)
    if missing:
        raise UserError(f"{os.fsdecode(missing)!r} is not there any more: give its folder with --data_dir")
    _check_contents(paths, [row.sha256 for row in rows])
    return paths, [row.label for row in rows]


def _check_contents(paths: Sequence[bytes], digests: Sequence[str]) -> None:
    """Raises UserError for a file that has not the bytes that the run split."""
    for path, digest in zip(paths, digests, strict=True):
        try:
            content, _ = read_file(path)
        except (OSError, BadImage) as error:
            raise UserError(
                f"{os.fsdecode(path)!r} cannot be read ({getattr(error, 'strerror', None) or error}): check it and its "
                "permissions"
            ) from None
        if hashlib.sha256(content).hexdigest() != digest:
            raise UserError(
                f"{os.fsdecode(path)!r} has other bytes than when the run split its pictures: put it back, or score "
                "what is there now with --dataset=folder:PATH"
            )


def _write(
    results: ResultFolder, names, predictions: Sequence[Prediction], figures: dict, confusion: np.ndarray
) -> None:
    with results.open() as out_dir:
        write_answers(out_dir / "predictions.csv", names, [prediction.row() for prediction in predictions])
        durable.write_json(out_dir / "scores.json", figures | {"confusion": confusion.tolist()})
        durable.write_bytes(out_dir / "confusion.png", plot_confusion(confusion, names))


def _lines(what: str, figures: dict, confusion: np.ndarray, names, predictions, out_dir: Path) -> list[str]:
    low, high = figures["accuracy_interval"]
    lines = [f"{what}: accuracy {figures['accuracy']:.4f} ({low:.4f} to {high:.4f})  loss {figures['loss']:.4f}  "
             f"{figures['examples']} examples"]  # fmt: skip
    for name, one in zip(names, class_figures(confusion), strict=True):
        precision, recall = ("-" if value is None else f"{value:.4f}" for value in (one.precision, one.recall))
        lines.append(f"  {name}: precision {precision}  recall {recall}  {one.support} examples")
    refused = [prediction for prediction in predictions if prediction.reason]
    lines += [f"  refused: {prediction.line()}" for prediction in refused[:5]]
    lines.append(f"written to {out_dir}: predictions.csv, scores.json, confusion.png")
    return lines
