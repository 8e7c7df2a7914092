"""What a trained model says of every example of a run, and how its answers come out of that."""

from collections.abc import Callable

import keras
import numpy as np

from evaluation.probabilities import make_predictor, predict_batches
from jobs.answered import Answered
from jobs.decisions import Judgement, find_decision, find_temperature
from jobs.head import on_features
from jobs.run import Run
from models.parts import head_part
from serving.export import ScoredModel
from training.phases import HEAD, Phase


def judge(run: Run, phase: Phase, model: keras.Model, scored: ScoredModel) -> Judgement:
    """Asks `scored`, which is of `model`, about every example, at the temperature that is fitted first where one is."""
    asked, names, ids = run.options.decision, run.data.manifest.class_names, run.data.splits.ids
    labels = {name: run.data.manifest.labels[ids[name]] for name in ids}
    ask = _asker(run, phase, model, scored)
    temperature = find_temperature(labels["validation"], ask("validation")) if asked.calibrate else None
    if temperature:
        scored.logit_scale.assign(1.0 / temperature.value)
    rows = {name: ask(name) for name in ids}
    decision = find_decision(asked, names, labels["validation"], rows["validation"])
    splits = {name: Answered(ids[name], labels[name], rows[name], decision.answers(rows[name])) for name in ids}
    return Judgement(splits, temperature, decision)


def _asker(run: Run, phase: Phase, model: keras.Model, scored: ScoredModel) -> Callable[[str], np.ndarray]:
    """(split) -> float32 [examples, classes].

    Where the head alone has learnt, of the features that it learnt on: the backbone would give them again.
    """
    predict = scored.predict
    if phase.name == HEAD:
        run, predict = on_features(run, model), make_predictor(head_part(model), logit_scale=scored.logit_scale)
    nothing = np.zeros((0, run.num_classes), np.float32)
    return lambda name: predict_batches(predict, run.split_batches(name)) if len(run.data.splits.ids[name]) else nothing
