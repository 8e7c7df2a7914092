"""What evaluate.py does: a finished run's SavedModel, scored on files it is given as bytes."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from base import durable
from base.errors import UserError
from base.results import ResultFolder
from evaluation.metrics import class_figures, confusion_matrix, scores
from jobs.scored import pictures_of_folder, pictures_of_split
from pipeline.sources.folders import check_outside
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
        paths, names = pictures_of_folder(dataset, cache_dir, predictor.class_names)
    else:
        paths, names = pictures_of_split(run_dir, split, predictor.class_names, data_dir, out_dir, cache_dir)
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
