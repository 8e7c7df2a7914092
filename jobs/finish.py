"""The end of a run: the chosen weights in float32, scored, exported, proved, and reported."""

import time

import keras
import numpy as np

from base import kill_points
from base.errors import UserError
from evaluation.metrics import confusion_matrix, scores
from evaluation.probabilities import make_predictor, predict_batches, split_batches
from jobs.announce import announce_results, bottleneck_of, parameters_of
from jobs.mistakes import find_mistakes, prediction_rows
from jobs.report import draw_report
from jobs.resume import versions
from jobs.run import Run
from models.zoo import build_model
from records.tables import refused_rows
from reports.plots import plot_confusion, png_pixels
from serving.export import Proof, ServedModel, export_model
from training.checkpoint import load_checkpoint, restore, to_arrays, weights_sha256
from training.history import best_row
from training.loop import Loop

PROOF_FILES = 400
_WHERE = "after the last step, which is saved"


def finish(run: Run, loop: Loop, sheets: tuple[bytes, bytes]) -> dict:
    """Scores every split, writes the SavedModel, tables, results.json, TensorBoard's test pictures and the report.

    Raises Stopped between two of these; what is written is whole, and the last step is in a checkpoint.
    """
    ids, best = run.data.splits.ids, best_row(loop.history)
    model = best_model(run, best["step"])
    probabilities = _predict_all(run, model)
    figures = {
        name: scores(run.data.manifest.labels[ids[name]], rows) if len(rows) else None
        for name, rows in probabilities.items()
    }
    proof = _make_proof(run, probabilities)
    served = ServedModel(model, run.data.manifest.class_names, run.data.pixels.pixel_format)
    difference = export_model(run.folder.saved_model, served, proof)
    run.watch.check(_WHERE)
    results = _results(run, loop, best, figures, difference, len(proof.decoded))
    run.folder.predictions.write(run.data.manifest.class_names,
                                 prediction_rows(run.data, ids["test"], probabilities["test"]))  # fmt: skip
    run.folder.quarantine.write(refused_rows(run.data.quarantine))
    mistakes, mistakes_png = find_mistakes(run.data, ids["test"], probabilities["test"])
    if figures["test"]:
        _draw_test(run, best["epoch"], figures["test"], probabilities["test"], mistakes_png)
    run.folder.results.write(results)
    kill_points.reach("results.written")
    run.folder.report.write(draw_report(run.folder, mistakes, sheets))
    announce_results(run, results)
    return results


def best_model(run: Run, step: int) -> keras.Model:
    """The model of the checkpoint of `step`, computing in float32 whatever it was trained in."""
    path = run.folder.checkpoints / f"step-{step:08d}"
    try:
        arrays = load_checkpoint(path).arrays["model"]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise UserError(
            f"the best epoch's checkpoint {str(path)!r} is damaged ({error}), and no other holds its weights: put it "
            "back, or train again in another --run_dir"
        ) from None
    keras.config.set_dtype_policy("float32")
    options, shape = run.options, run.data.pixels.pixel_format.shape
    model = build_model(options.model.to_restore(), options.seed, run.num_classes, shape)
    restore({"model": model.variables}, {"model": arrays})
    return model


def _predict_all(run: Run, model: keras.Model) -> dict[str, np.ndarray]:
    """float32 [examples, classes] by split name."""
    predict = make_predictor(model)

    def predict_split(ids: np.ndarray) -> np.ndarray:
        if not len(ids):
            return np.zeros((0, run.num_classes), np.float32)
        batches = split_batches(run.data, ids, run.options.training.global_batch_size)
        return predict_batches(predict, run.watch.each(batches, _WHERE))

    return {name: predict_split(ids) for name, ids in run.data.splits.ids.items()}


def _make_proof(run: Run, probabilities: dict[str, np.ndarray]) -> Proof:
    """Of the test split, or what there is, evenly spread."""
    data = run.data
    split = next(name for name in ("test", "validation", "train") if len(probabilities[name]))
    ids = data.splits.ids[split]
    rows = np.unique(np.linspace(0, len(ids) - 1, min(PROOF_FILES, len(ids))).astype(int))
    changed = [one for one in ids[rows].tolist() if data.manifest.has_changed(one)]
    decoded = dict(zip(changed, data.pixels.read(changed), strict=True)) if changed else {}
    return Proof(data.manifest, ids[rows], probabilities[split][rows], decoded)


def _results(run: Run, loop: Loop, best: dict, figures: dict, difference: float, files_changed: int) -> dict:
    history, model = loop.history, loop.state.model
    means = {name: float(np.mean([row[name] for row in history]))
             for name in ("images_per_second", "input_wait_fraction")}  # fmt: skip
    return {
        "dataset": run.options.data.dataset,
        "data_origin": run.data.manifest.data_origin,
        "model": run.options.model.name,
        "class_names": list(run.data.manifest.class_names),
        **figures,
        "epochs": len(history),
        "best_epoch": best["epoch"],
        "steps": loop.step,
        **means,
        "input_bottleneck": bottleneck_of(run, history[-1]),
        "seconds": time.monotonic() - run.began_seconds,
        "precision": run.hardware.policy,
        "strategy": "none" if run.hardware.strategy is None else f"mirrored x {run.hardware.replicas}",
        "device": run.hardware.devices,
        "seed": run.options.seed,
        "parameters": parameters_of(model),
        "quarantined": len(run.data.quarantine),
        "export_largest_difference": difference,
        "export_files_changed": files_changed,
        "manifest_sha256": run.data.manifest.sha256,
        "weights_sha256": weights_sha256(to_arrays(model.variables)),
        "versions": versions(),
    }


def _draw_test(run: Run, epoch: int, figures: dict, rows: np.ndarray, mistakes_png: bytes | None) -> None:
    labels, names = run.data.manifest.labels[run.data.splits.ids["test"]], run.data.manifest.class_names
    run.summaries.scalars("test", epoch, {"loss": figures["loss"], "accuracy": figures["accuracy"]})
    confusion = confusion_matrix(labels, rows.argmax(axis=1), len(names))
    run.summaries.picture("test", "confusion", png_pixels(plot_confusion(confusion, names)))
    if mistakes_png is not None:
        run.summaries.picture("test", "worst_mistakes", png_pixels(mistakes_png))
