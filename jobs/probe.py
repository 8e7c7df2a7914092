"""prepare.py --probe: what a linear head on frozen features reaches on a data set, before anything is trained."""

import dataclasses
import datetime
import time
from collections.abc import Iterator
from pathlib import Path

import keras
import numpy as np

from base.errors import UserError
from base.watch import Watch
from evaluation.features import features_identity, open_or_build_features
from evaluation.metrics import (
    another_story,
    class_balance,
    class_figures,
    confusion_matrix,
    confusion_pairs,
    scores,
)
from evaluation.probe import Probe, cross_validate, different_pictures
from jobs.announce import some_of
from jobs.answered import Answered
from jobs.beginning import begin_with
from jobs.label_issues import LabelDoubts, doubt_examples
from jobs.mistakes import prediction_rows
from jobs.options import RunOptions
from jobs.resume import versions
from models.parts import feature_part
from models.zoo import build_model
from pipeline.data import Data, Overview
from pipeline.sources.splits import content_groups
from records.run_folder import RunFolder
from records.tables import PredictionRow
from training import device

MOST_PAIRS = 5  # of confused classes in the log


def choose_hardware(options: RunOptions) -> device.Hardware:
    """One device, computing in float32, in force from here on: before TensorFlow has computed anything.

    Raises UserError for a model of which there is nothing to ask.
    """
    if options.model.weights == "none":
        raise UserError(
            f"--probe: {options.model.name} would start from random weights, whose features say nothing of a trained "
            "model's: give --model=mobilenet_v2 --weights=imagenet, or a file of weights, or another run's folder"
        )
    training = dataclasses.replace(options.training, precision="float32", strategy="none", replicas=0)
    return device.apply(device.choose(device.look(), training, options.threads))


def build_probed(options: RunOptions, overview: Overview, watch: Watch) -> keras.Model:
    """The model whose features are probed; raises UserError for weights that cannot be had or do not fit."""
    other_run, classes = options.model.weights_run, len(overview.manifest.class_names)
    begins = options.model.to_restore() if other_run else options.model
    model = build_model(begins, options.seed, classes, overview.pixel_format.shape)
    if other_run:
        _check_features(model, other_run, begin_with(model, other_run, watch))
    return model


def probe(
    options: RunOptions, data: Data, model: keras.Model, hardware: device.Hardware, cache_dir: Path, watch: Watch
) -> tuple[dict, list[PredictionRow], LabelDoubts, np.ndarray]:
    """(what probe.json holds, a row an example of train and validation, what may be wrong of their labels, their ids);
    the test split is not looked at.

    Says the figures. Raises UserError where there are too few pictures.
    """
    ids = np.sort(np.concatenate([data.splits.ids["train"], data.splits.ids["validation"]]))
    labels, names = data.manifest.labels[ids], data.manifest.class_names
    contents = content_groups(data.manifest)[ids]
    began = time.monotonic()
    identity = features_identity(options.model.known_by, hardware)
    features = open_or_build_features(model, data, cache_dir, identity, watch)[ids]
    computed = time.monotonic()
    result = cross_validate(features, labels, contents, len(names), options.seed, watch)
    seconds = {"features": computed - began, "probe": time.monotonic() - computed}
    notes = [*_few(labels, contents, names, len(result.strengths)), *_seen(options, data, ids)]
    figures = _about(options, data) | _figures(labels, names, result) | {"seconds": seconds, "notes": notes}
    doubts = doubt_examples(data, ids, result.probabilities, [f"fold {fold + 1}" for fold in result.folds], among=ids)
    for line in (*_lines(figures), *(f"labels      {one}" for one in doubts.words)):
        watch.say(line)
    rows = prediction_rows(data, Answered(ids, labels, result.probabilities, result.probabilities.argmax(axis=1)))
    return figures, rows, doubts, ids


def _check_features(model: keras.Model, run_dir: Path, unknown: set[str]) -> None:
    """Raises UserError where some of what makes the features is not of the run's weights, but random; `unknown` are
    the paths of the variables that these have nothing for."""
    weights = feature_part(model).weights
    new = [one.path for one in weights if one.path in unknown]
    if new:
        raise UserError(
            f"--weights={str(run_dir)!r}: {len(new)} of the {len(weights)} variables that make the features, as "
            f"{new[0]}, do not fit {model.name}, and would be random: give the --model of that run"
        )


def _about(options: RunOptions, data: Data) -> dict:
    import sklearn

    return {
        "dataset": options.data.dataset,
        "data_origin": data.manifest.data_origin,
        "model": options.model.name,
        "weights": options.model.weights,
        "image_size": list(options.data.image_sides),  # height, width
        "seed": options.seed,
        "date": datetime.datetime.now().astimezone().isoformat(timespec="seconds"),
        "class_names": list(data.manifest.class_names),
        "manifest_sha256": data.manifest.sha256,
        "versions": versions() | {"scikit-learn": sklearn.__version__},
    }


def _figures(labels: np.ndarray, names: tuple[str, ...], result: Probe) -> dict:
    confusion = confusion_matrix(labels, result.probabilities.argmax(axis=1), len(names))
    classes = [
        {"name": name, "examples": one.support, "recall": one.recall, "recall_interval": one.recall_interval}
        for name, one in zip(names, class_figures(confusion), strict=True)
    ]
    pairs = [{"true": names[pair.true], "predicted": names[pair.predicted], "examples": pair.examples}
             for pair in confusion_pairs(confusion, len(names) ** 2)]  # fmt: skip
    return {
        **scores(labels, result.probabilities),
        **class_balance(confusion, names),
        "folds": len(result.strengths),
        "strengths": list(result.strengths),
        "classes": classes,
        "confused": pairs,
        "confusion": confusion.tolist(),
    }


def _few(labels: np.ndarray, contents: np.ndarray, names: tuple[str, ...], folds: int) -> Iterator[str]:
    """What of the folds is not as it should be, in words."""
    sizes = different_pictures(labels, contents, len(names))
    least, others = int(sizes.argmin()), int(np.count_nonzero(sizes < folds)) - 1
    more = f", and {others} other class{'es' * (others > 1)} as few" if others > 0 else ""
    if sizes[least] < folds:
        yield (
            f"{names[least]!r} has {sizes[least]} different pictures{more}: in some of the {folds} folds there is "
            "nothing of it to train on, or to ask about"
        )
    elif folds < 5:
        yield f"{folds} folds, as {names[least]!r} has {sizes[least]} different pictures"


def _seen(options: RunOptions, data: Data, ids: np.ndarray) -> Iterator[str]:
    """Which of the pictures another run's weights were trained on."""
    if options.model.weights_run is None:
        return
    trained = RunFolder(options.model.weights_run).contents_by_split().get("train", set())
    count = sum(data.manifest.facts["sha256"][one].tobytes().hex() in trained for one in ids)
    if count or not trained:
        how_many = f"{count} of {len(ids)} pictures" if trained else "an unknown number of these pictures"
        yield f"the weights of {options.model.weights} were trained on {how_many}: the figures are flattered"


def _lines(figures: dict) -> Iterator[str]:
    low, high = figures["accuracy_interval"]
    strengths = sorted(set(figures["strengths"]))
    chosen = f"C {strengths[0]:.2g}" + (f" to {strengths[-1]:.2g}" if len(strengths) > 1 else "")
    yield (
        f"probe       accuracy {figures['accuracy']:.4f} ({low:.4f} to {high:.4f})  loss {figures['loss']:.4f}  "
        f"balanced {figures['balanced_accuracy']:.4f}  {figures['examples']} examples of train and validation, each "
        f"left out once in {figures['folds']} folds; {chosen}; {sum(figures['seconds'].values()):.1f} s"
    )
    if story := another_story(figures):
        yield f"            {story}"
    yield from some_of([_recall_line(one) for one in figures["classes"]], "classes")
    support = {one["name"]: one["examples"] for one in figures["classes"]}
    for pair in figures["confused"][:MOST_PAIRS]:
        true, predicted = pair["true"], pair["predicted"]
        yield f"  confused  {pair['examples']} of {support[true]} {true!r} taken for {predicted!r}"
    for note in figures["notes"]:
        yield f"  note      {note}"


def _recall_line(one: dict) -> str:
    if not one["examples"]:
        return f"  {one['name']}: no example"
    low, high = one["recall_interval"]
    return f"  {one['name']}: recall {one['recall']:.4f} ({low:.4f} to {high:.4f})  {one['examples']} examples"
