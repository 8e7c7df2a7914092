"""What evaluate.py does: a finished run's SavedModel, scored on files it is given as bytes."""

import dataclasses
import datetime
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from base import durable
from base.errors import UserError
from base.places import is_saved_model
from base.results import ResultFolder
from evaluation.figures import all_figures, figures_line
from evaluation.metrics import another_story, class_figures
from jobs import findings
from jobs.announce import some_of
from jobs.gradcam import GRADCAM, NOTHING, draw_gradcam
from jobs.rebuilt import rebuilt_model
from jobs.scored import Scored, pictures_of_folder, pictures_of_split
from pipeline.sources.folders import check_outside
from records.run_folder import RunFolder
from records.tables import LABELLED_BEGINNING, RefusedRow, write_answers
from reports.assessment_page import ASSESSMENT_BEGINNING, render_assessment
from reports.confusion_plot import plot_confusion
from reports.decision_section import positive_class_of
from reports.predicted import Predicted
from reports.templates import Section
from serving.pixel_predictor import PixelPredictor, open_predictor
from serving.predictor import Prediction, Predictor, find_saved_model
from serving.seal import SEAL

_TABLES = {"predictions.csv": LABELLED_BEGINNING, "scores.json": b'{\n  "dataset":'}
_PICTURES = ("confusion.png", findings.SHEET, GRADCAM)
_PAGE = "report.html"


@dataclasses.dataclass(frozen=True)
class Assessment:
    """What is asked for: a run, or a SavedModel, and what it is scored on.

    Attributes:
      run_dir: the run's folder, or that of a SavedModel.
      split: train, validation or test; empty is test, and of a folder without split folders all.
      folder: of other pictures than the run's own.
      labels_csv: a table of the labels of `folder`, or empty.
      include_trained: whether pictures of `folder` that the run trained on are scored.
      data_dir: where the run's own pictures are now, if they have moved.
      slices: a table of more columns by which the accuracy is cut, or None.
      out_dir: for what comes out; None is evaluation/NAME in the run's folder, a folder a data set and split.
      gradcam: whether it is drawn where the model looked, too.
    """

    run_dir: Path
    split: str = ""
    folder: Path | None = None
    labels_csv: str = ""
    include_trained: bool = False
    data_dir: str | None = None
    slices: Path | None = None
    out_dir: Path | None = None
    gradcam: bool = False


def assess(asked: Assessment, cache_dir: Path) -> list[str]:
    """Writes predictions.csv, scores.json, confusion.png, report.html and what `jobs.findings` has, and gradcam.png
    where it is asked for; returns lines for the terminal.

    Raises UserError for a run that is not finished, pictures that have moved, folders of which the run knows no class,
    and files of these names in the way that are not evaluate.py's.
    """
    saved_model = find_saved_model(asked.run_dir)
    if asked.out_dir:
        _check(asked.out_dir)
    predictor = PixelPredictor(saved_model) if asked.gradcam else open_predictor(saved_model)
    names = predictor.class_names
    model = rebuilt_model(asked.run_dir, len(names), predictor.pixel_shape) if asked.gradcam else None
    scored = pictures_to_score(asked, names, cache_dir)
    out_dir = asked.out_dir or run_folder_of(asked.run_dir).evaluation / scored.name
    _check(out_dir)
    more, notes = findings.read_more_columns(asked.slices, scored)
    predictions = list(predictor.predict(scored.paths))
    rows, predicted = _predicted(names, scored, predictions)
    figures = _about(asked.run_dir, saved_model, scored, predictor) | all_figures(
        predicted.labels, predicted.probabilities, names, predicted.answers
    )
    looked = draw_gradcam(model, predictor, predicted, [scored.paths[row] for row in rows]) if model else NOTHING
    found = findings.find(predictor, scored, rows, predicted, more)
    page = _render(asked, figures, scored, predicted, predictions, [*looked.sections, *found.sections])
    _write(out_dir, f"{asked.run_dir.name}: {scored.what}", figures, scored, predicted, predictions)
    with _more_results(out_dir).open():
        written = found.write(out_dir) + looked.write(out_dir)
        durable.write_text(out_dir / _PAGE, page)
    decided = [f"  {predictor.decision}"] if predictor.decision else []
    lines = decided + _lines(scored, figures, predicted, predictions)
    lines += [f"  {line}" for line in (*notes, *filter(None, [looked.words]), *found.lines)]
    return [*lines, f"written to {out_dir}: {', '.join([*_TABLES, 'confusion.png', _PAGE, *written])}"]


def _check(out_dir: Path) -> None:
    for one in (_results(out_dir), _more_results(out_dir)):
        one.check()


def _predicted(
    names: Sequence[str], scored: Scored, predictions: Sequence[Prediction]
) -> tuple[Sequence[int], Predicted]:
    """(the rows that were classified and whose class is known, what was said of them)."""
    rows = [row for row, one in enumerate(predictions) if not one.reason and scored.labels[row] in names]
    if not rows:
        raise UserError(f"none of {len(predictions)} files could be classified; the first: {predictions[0].line()}")
    labels = np.array([names.index(scored.labels[row]) for row in rows])
    answers = np.array([names.index(predictions[row].class_name) for row in rows])
    return rows, Predicted(names, labels, answers, np.stack([predictions[row].probabilities for row in rows]))


def _write(
    out_dir: Path, title: str, figures: dict, scored: Scored, predicted: Predicted, predictions: Sequence[Prediction]
) -> None:  # fmt: skip
    names, confusion = predicted.class_names, predicted.confusion
    with _results(out_dir).open():
        write_answers(out_dir / "predictions.csv", names, [one.row() for one in predictions], scored.labels)
        durable.write_json(out_dir / "scores.json", figures | {"confusion": confusion.tolist()})
        durable.write_bytes(out_dir / "confusion.png", plot_confusion(confusion, names, title=title))


def _render(
    asked: Assessment, figures: dict, scored: Scored, predicted: Predicted, predictions: Sequence[Prediction],
    more: Sequence[Section],
) -> str:  # fmt: skip
    """The page, of scores.json; of the run's own pictures it says whether they are synthetic."""
    split = "" if asked.folder else scored.split
    run = run_folder_of(asked.run_dir)
    results = run.results_if_finished() or {}
    rows = [prediction.row() for prediction in predictions]
    return render_assessment(
        run_path=run.path,
        what=scored.what,
        split=split,
        figures=figures,
        predicted=predicted,
        paths=[row.path for row, label in zip(rows, scored.labels, strict=True)
               if not row.reason and label in predicted.class_names],
        notes=[*filter(None, [figures["decision"]]), *scored.notes],
        refused=[RefusedRow(row.path, row.reason) for row in rows if row.reason],
        is_synthetic=bool(split) and results.get("data_origin") == "synthetic",
        positive_class=positive_class_of(results),
        more=more,
    )  # fmt: skip


def _results(out_dir: Path) -> ResultFolder:
    return ResultFolder("--out_dir", out_dir, _TABLES, _PICTURES)


def _more_results(out_dir: Path) -> ResultFolder:
    """What older versions did not write beside their tables."""
    return ResultFolder("--out_dir", out_dir, findings.BEGINNINGS | {_PAGE: ASSESSMENT_BEGINNING.encode()}, ())


def run_folder_of(run_dir: Path) -> RunFolder:
    """That of a SavedModel which is given by itself is the folder that it lies in."""
    return RunFolder(run_dir.absolute().parent if is_saved_model(run_dir) else run_dir)


def pictures_to_score(asked: Assessment, names: Sequence[str], cache_dir: Path) -> Scored:
    """Those that are asked for, of which the model knows the classes `names`; raises UserError as `assess`."""
    if asked.folder is None:
        split = asked.split or "test"
        return pictures_of_split(asked.run_dir, split, names, asked.data_dir, asked.out_dir, cache_dir)
    dataset = f"folder:{asked.folder}"
    check_outside("--out_dir", asked.out_dir or run_folder_of(asked.run_dir).evaluation, dataset, "")
    check_outside("--cache_dir", cache_dir, dataset, "")
    seen = run_folder_of(asked.run_dir).contents_by_split()
    return pictures_of_folder(
        asked.folder, asked.split, asked.labels_csv, cache_dir, names, seen, asked.include_trained
    )


def _about(run_dir: Path, saved_model: Path, scored: Scored, predictor: Predictor) -> dict:
    return {
        "dataset": scored.dataset,
        "split": scored.split or "all",
        "labels_csv": scored.labels_csv,
        "include_trained": scored.include_trained,
        "run": str(run_dir.absolute()),
        "saved_model_sha256": durable.sha256_file(saved_model / SEAL),  # of the list of its files' checksums
        "date": datetime.datetime.now().astimezone().isoformat(timespec="seconds"),
        "class_names": list(predictor.class_names),
        "decision": predictor.decision,
        "notes": list(scored.notes),
    }


def _lines(scored: Scored, figures: dict, predicted: Predicted, predictions: Sequence[Prediction]) -> list[str]:
    low, high = figures["accuracy_interval"]
    lines = [f"{scored.what}: accuracy {figures['accuracy']:.4f} ({low:.4f} to {high:.4f})  loss "
             f"{figures['loss']:.4f}  {figures['examples']} examples"]  # fmt: skip
    if story := another_story(figures):
        lines.append(f"  {story}")
    lines.append(f"  {figures_line(figures)}")
    shown = []
    for name, one in zip(predicted.class_names, class_figures(predicted.confusion), strict=True):
        precision, recall = ("-" if value is None else f"{value:.4f}" for value in (one.precision, one.recall))
        shown.append(f"  {name}: precision {precision}  recall {recall}  {one.support} examples")
    lines += some_of(shown, "classes")
    lines += [f"  {note}" for note in scored.notes]
    refused = [f"  refused: {prediction.line()}" for prediction in predictions if prediction.reason]
    return lines + some_of(refused, "files", 5)
