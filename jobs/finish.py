"""The end of a run: the chosen weights in float32, scored, exported, proved, and reported."""

from collections.abc import Callable

import keras
import numpy as np

from base import kill_points
from evaluation.figures import all_figures, split_figures
from evaluation.metrics import confusion_matrix
from evaluation.probabilities import make_predictor, predict_batches
from jobs.announce import announce_results
from jobs.curves import write_results
from jobs.head import on_features
from jobs.mistakes import find_mistakes, prediction_rows
from jobs.report import draw_report
from jobs.results import results_of
from jobs.resume import best_model
from jobs.run import Run
from models.parts import head_part
from records.tables import refused_rows
from reports.confusion_plot import plot_confusion
from reports.contact_sheet import Sheet, draw_pages
from reports.plots import png_pixels
from serving.export import Proof, ServedModel, export_model
from training.checkpoint import to_arrays, weights_sha256
from training.history import best_row
from training.loop import Loop
from training.phases import HEAD, Phase

# What may differ between pictures are their formats; at 224 pixels one takes a hundredth of a second.
PROOF_FILES = 128


def finish(run: Run, loop: Loop, sheets: tuple[Sheet, Sheet | None]) -> dict:
    """Scores every split, writes the SavedModel, tables, results.json, TensorBoard's test pictures and the report.

    Raises Stopped where that is asked for before results.json; what is written is whole, and the last step is in a
    checkpoint.
    """
    run.watch.nothing_to_save("after the last step, which is saved")
    ids, best = run.data.splits.ids, best_row(loop.history, run.options.training.best_on)
    final_sha256 = weights_sha256(to_arrays(loop.state.model.variables))
    model = best_model(run, loop.state.model, best["step"])
    flips, names = run.options.model.test_time_flip, run.data.manifest.class_names
    served = ServedModel(model, names, run.data.pixels.pixel_format, flips)
    probabilities = _predict_all(run, loop.phase, model, served.predict)
    figures = {name: _figures(run, name, rows) for name, rows in probabilities.items()}
    proof = _make_proof(run, probabilities)
    difference = export_model(run.folder.saved_model, served, proof)
    results = results_of(run, loop, figures, difference, len(proof.decoded), final_sha256)
    run.folder.predictions.write(names, prediction_rows(run.data, ids["test"], probabilities["test"]))
    run.folder.quarantine.write(refused_rows(run.data.quarantine))
    run.folder.aside.write(refused_rows(run.data.aside))
    mistakes, worst = find_mistakes(run.data, ids["test"], probabilities["test"])
    if figures["test"]:
        _draw_test(run, best["epoch"], figures["test"], probabilities["test"], worst)
    write_results(run, results)
    run.watch.save_first()  # results.json says that the run is finished: its report belongs to it
    run.folder.results.write(results)
    kill_points.reach("results.written")
    run.folder.report.write(draw_report(run.folder, mistakes, sheets))
    announce_results(run, results)
    return results


def _figures(run: Run, split: str, rows: np.ndarray) -> dict | None:
    if not len(rows):
        return None
    labels = run.data.manifest.labels[run.data.splits.ids[split]]
    figures = split_figures if split == "train" else all_figures  # the split of most examples, and of least meaning
    return figures(labels, rows, run.data.manifest.class_names)


def _predict_all(run: Run, phase: Phase, model: keras.Model, predict: Callable) -> dict[str, np.ndarray]:
    """float32 [examples, classes] by split name.

    Where the head alone has learnt, of the features that it learnt on: the backbone would give them again.
    """
    if phase.name == HEAD:
        run, predict = on_features(run, model), make_predictor(head_part(model))
    nothing = np.zeros((0, run.num_classes), np.float32)
    return {
        name: predict_batches(predict, run.split_batches(name)) if len(ids) else nothing
        for name, ids in run.data.splits.ids.items()
    }


def _make_proof(run: Run, probabilities: dict[str, np.ndarray]) -> Proof:
    """Of the test split, or what there is, evenly spread."""
    data = run.data
    split = next(name for name in ("test", "validation", "train") if len(probabilities[name]))
    ids = data.splits.ids[split]
    rows = np.unique(np.linspace(0, len(ids) - 1, min(PROOF_FILES, len(ids))).astype(int))
    changed = [one for one in ids[rows].tolist() if data.manifest.has_changed(one)]
    decoded = dict(zip(changed, data.pixels.read(changed), strict=True)) if changed else {}
    return Proof(data.manifest, ids[rows], probabilities[split][rows], decoded)


def _draw_test(run: Run, epoch: int, figures: dict, rows: np.ndarray, worst: Sheet | None) -> None:
    labels, names = run.data.manifest.labels[run.data.splits.ids["test"]], run.data.manifest.class_names
    run.summaries.scalars("test", epoch, {"loss": figures["loss"], "accuracy": figures["accuracy"]})
    confusion = confusion_matrix(labels, rows.argmax(axis=1), len(names))
    run.summaries.pictures("test", "confusion", png_pixels(plot_confusion(confusion, names))[None])
    if worst is not None:
        run.summaries.pictures("test", "worst_mistakes", draw_pages(worst))
