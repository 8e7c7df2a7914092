"""The end of a run: the chosen weights in float32, scored, exported, proved, and reported."""

import dataclasses
import functools
import time
from pathlib import Path

import keras
import numpy as np
import tensorflow as tf

from base import kill_points
from base.errors import UserError
from base.signals import StopRequest, until_stopped
from evaluation.metrics import confusion_matrix, scores, worst_mistakes
from evaluation.probabilities import make_predictor, predict_batches, split_batches
from jobs.announce import input_verdict, refused_rows
from jobs.report import draw_report
from models.zoo import build_model
from pipeline.data import Data
from records.predictions import PredictionRow
from records.run_folder import RunFolder
from reports.page import Mistake
from reports.plots import contact_sheet, plot_confusion, png_pixels
from reports.progress import Reporter
from reports.sheets import read_images
from reports.summaries import Summaries
from serving.export import Proof, ServedModel, export_model
from training.checkpoint import Checkpoint, load_checkpoint, restore, to_arrays, weights_sha256
from training.device import Hardware
from training.history import best_row
from training.loop import Loop
from training.options import RunOptions

PROOF_FILES = 400
MISTAKES_SHOWN = 24
_WHERE = "after the last step, which is saved"


@dataclasses.dataclass(frozen=True)
class Finished:
    """A run whose last step is done.

    `sheets` are the sample and augmentation PNGs; `began` is a time.monotonic(); `stop` says whether to stop before
    the end, which the same command then does again from the last checkpoint.
    """

    folder: RunFolder
    options: RunOptions
    hardware: Hardware
    data: Data
    loop: Loop
    sheets: tuple[bytes, bytes]
    began: float
    versions: dict
    stop: StopRequest


def finish_run(run: Finished, summaries: Summaries, reporter: Reporter) -> dict:
    """Scores every split, writes the SavedModel, tables, results.json, TensorBoard's test pictures and the report.

    Raises Stopped between two of these; what is written is whole, and the last step is in a checkpoint.
    """
    best = best_row(run.loop.history)
    model = _float32_model(run, best["step"])
    probabilities = _predict_all(model, run)
    split_scores = {
        name: scores(run.data.manifest.labels[run.data.splits.ids[name]], rows) if len(rows) else None
        for name, rows in probabilities.items()
    }
    difference, stand_ins = _export(model, run, probabilities)
    run.stop.check(_WHERE)
    results = _results(run, best, split_scores, difference, stand_ins)
    rows = prediction_rows(run.data, run.data.splits.ids["test"], probabilities["test"])
    run.folder.write_predictions(run.data.manifest.class_names, rows)
    run.folder.write_quarantine(refused_rows(run.data.quarantine))
    mistakes, grid = find_mistakes(run.data, run.data.splits.ids["test"], probabilities["test"])
    _summarize_test(run, summaries, best["epoch"], split_scores["test"], probabilities["test"], grid)
    run.folder.write_results(results)
    kill_points.reach("results.written")
    run.folder.write_report(draw_report(run.folder, mistakes, run.sheets))
    _say_results(results, best, run.folder, difference, reporter)
    return results


def prediction_rows(data: Data, example_ids: np.ndarray, probabilities: np.ndarray) -> list[PredictionRow]:
    """A row an example, for predictions_test.csv; `probabilities` are float32 [examples, classes]."""
    names, labels = data.manifest.class_names, data.manifest.labels
    return [
        PredictionRow(data.manifest.shown_path(example_id), names[labels[example_id]], names[int(row.argmax())], row)
        for example_id, row in zip(example_ids, probabilities, strict=True)
    ]


def find_mistakes(data: Data, example_ids: np.ndarray, probabilities: np.ndarray) -> tuple[list[Mistake], bytes | None]:
    """The most confident mistakes, worst first, and one sheet of them (None where there are none)."""
    if not len(example_ids):
        return [], None
    labels = data.manifest.labels[example_ids]
    rows = worst_mistakes(labels, probabilities, MISTAKES_SHOWN)
    if not len(rows):
        return [], None
    names = data.manifest.class_names
    images = np.round(read_images(data, example_ids[rows]) * 255).astype(np.uint8)
    mistakes = [
        Mistake(
            path=data.manifest.shown_path(example_ids[row]),
            label=names[labels[row]],
            prediction=names[int(probabilities[row].argmax())],
            probability=float(probabilities[row].max()),
            image=image,
        )
        for row, image in zip(rows, images, strict=True)
    ]
    captions = [f"{m.label} taken for {m.prediction}\n{m.probability:.2f}" for m in mistakes]
    return mistakes, contact_sheet(images, captions, 6)


def _float32_model(run: Finished, step: int) -> keras.Model:
    """The model of the best epoch's checkpoint, computing in float32 whatever it was trained in."""
    arrays = _load_best(run.loop.checkpoint_dir / f"step-{step:08d}").arrays
    keras.config.set_dtype_policy("float32")
    options = dataclasses.replace(run.options.model_options, weights="none")
    model = build_model(options, len(run.data.manifest.class_names), run.data.pixels.pixel_format.shape)
    restore(model.variables, arrays[: len(model.variables)])
    return model


def _load_best(path: Path) -> Checkpoint:
    try:
        return load_checkpoint(path)
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise UserError(
            f"the best epoch's checkpoint {str(path)!r} is damaged ({error}), and no other holds its weights: put it "
            "back, or train again in another --run_dir"
        ) from None


def _predict_all(model: keras.Model, run: Finished) -> dict[str, np.ndarray]:
    """float32 [examples, classes] by split name."""
    predict = make_predictor(model)
    batches = functools.partial(split_batches, run.data, batch_size=run.options.global_batch_size)
    nothing = np.zeros((0, len(run.data.manifest.class_names)), np.float32)
    return {
        name: predict_batches(predict, until_stopped(batches(ids), run.stop, _WHERE)) if len(ids) else nothing
        for name, ids in run.data.splits.ids.items()
    }


def _export(model: keras.Model, run: Finished, probabilities: dict) -> tuple[float, int]:
    """(the proof's largest difference, how many of its pictures had to be taken from the pack)."""
    data = run.data
    served = ServedModel(model, data.manifest.class_names, data.pixels.pixel_format, data.full_scale)
    split = next(name for name in ("test", "validation", "train") if len(probabilities[name]))
    ids = data.splits.ids[split]
    rows = np.unique(np.linspace(0, len(ids) - 1, min(PROOF_FILES, len(ids))).astype(int))
    stand_ins = _stand_ins(data, ids[rows])
    paths = [data.manifest.full_path(example_id) for example_id in ids[rows]]
    proof = Proof(paths, probabilities[split][rows], stand_ins)
    return export_model(run.folder.saved_model, served, proof), len(stand_ins)


def _stand_ins(data: Data, example_ids: np.ndarray) -> dict[int, bytes]:
    """PNGs of the decoded pixels of the files that have changed since they were packed, by place in `example_ids`."""
    changed = [place for place, example_id in enumerate(example_ids) if data.manifest.has_changed(example_id)]
    if not changed:
        return {}
    images = np.round(read_images(data, example_ids[changed]) * data.full_scale)
    pixels = images.astype(data.pixels.pixel_format.dtype)
    # A PNG gives its pixels back as they are, and one of the size that is wanted is not resized.
    return {place: tf.io.encode_png(one).numpy() for place, one in zip(changed, pixels, strict=True)}


def _results(run: Finished, best: dict, split_scores: dict, difference: float, stand_ins: int) -> dict:
    history, state = run.loop.history, run.loop.state
    mean = {
        name: float(np.mean([row[name] for row in history])) for name in ("images_per_second", "input_wait_fraction")
    }
    return {
        "dataset": run.options.dataset,
        "data_origin": run.data.manifest.data_origin,
        "model": run.options.model,
        "class_names": list(run.data.manifest.class_names),
        **split_scores,
        "epochs": len(history),
        "best_epoch": best["epoch"],
        "steps": run.loop.step,
        **mean,
        "input_verdict": input_verdict(history[-1], run.options, run.data, run.hardware),
        "seconds": time.monotonic() - run.began,
        "precision": run.hardware.policy,
        "strategy": "none" if run.hardware.strategy is None else f"mirrored x {run.hardware.replicas}",
        "device": run.hardware.devices,
        "seed": run.options.seed,
        "parameters": sum(int(np.prod(variable.shape)) for variable in state.model.trainable_variables),
        "quarantined": len(run.data.quarantine),
        "export_largest_difference": difference,
        "export_files_changed": stand_ins,
        "manifest_sha256": run.data.manifest.sha256,
        "weights_sha256": weights_sha256(to_arrays(state.model.variables)),
        "versions": run.versions,
    }


def _summarize_test(run, summaries: Summaries, epoch: int, figures: dict | None, rows: np.ndarray, grid) -> None:
    if figures is None:
        return
    labels = run.data.manifest.labels[run.data.splits.ids["test"]]
    names = run.data.manifest.class_names
    summaries.scalars("test", epoch, {"loss": figures["loss"], "accuracy": figures["accuracy"]})
    confusion = confusion_matrix(labels, rows.argmax(axis=1), len(names))
    summaries.picture("test", "confusion", png_pixels(plot_confusion(confusion, names)))
    if grid is not None:
        summaries.picture("test", "worst_mistakes", png_pixels(grid))


def _say_results(results: dict, best: dict, folder: RunFolder, difference: float, reporter: Reporter) -> None:
    note = " on SYNTHETIC pictures" if results["data_origin"] == "synthetic" else ""
    for name in ("train", "validation", "test"):
        if results[name]:
            low, high = results[name]["accuracy_interval"]
            reporter.say(
                f"{name:<12}accuracy {results[name]['accuracy']:.4f} ({low:.4f} to {high:.4f})  "
                f"loss {results[name]['loss']:.4f}  {results[name]['examples']} examples{note}"
            )
    reporter.say(f"best epoch  {best['epoch']} of {results['epochs']}; {results['images_per_second']:.0f} images/s, "
                 f"input wait {100 * results['input_wait_fraction']:.1f}%")  # fmt: skip
    reporter.say(f"model       {folder.saved_model} (differs from evaluation by {difference:.1e} at most)")
    if results["export_files_changed"]:
        reporter.say(f"  warning   {results['export_files_changed']} files of the proof have changed since they were "
                     "packed: their packed pixels were sent instead")  # fmt: skip
    reporter.say(f"report      {folder.report_path}")
    reporter.say("curves      tensorboard --logdir runs")
