"""A made-up comparison.json, of as many runs as there are names."""

from collections.abc import Sequence

import numpy as np

from evaluation.comparison import compare_pairs
from evaluation.comparison_words import conclusion, verdict
from reports.comparison_page import Answer, Disagreement, DisagreementGroup

ACCURACIES = (0.95, 0.8, 0.78, 0.5)


def comparison(names: Sequence[str] = ("first", "second"), **changed) -> dict:
    """What comparison.json holds, of runs of falling accuracy on 100 pictures."""
    right = np.array([np.arange(100) < 100 * accuracy for accuracy in ACCURACIES[: len(names)]])
    pairs = compare_pairs(right, np.where(right, 0.1, 2.0), key=0)
    runs = [
        {"name": name, "path": f"/runs/{name}", "examples": 100, "accuracy": accuracy, "loss": 0.25,
         "brier_score": 0.125, "accuracy_interval": [accuracy - 0.05, accuracy + 0.04],
         "balanced_accuracy": accuracy - 0.01, "calibration_error": 0.0625, "saved_model_bytes": 12_345_678,
         "parameters": 1234567, "training_seconds": 3725.0, "device": "CPU, 2 threads",
         "milliseconds_a_picture": {"1": 12.345, "32": 1.2345}}
        for name, accuracy in zip(names, ACCURACIES, strict=False)
    ]  # fmt: skip
    told = [
        {"first": names[pair.first], "second": names[pair.second], "verdict": verdict(pair, names)}
        | {name: getattr(pair, name) for name in (
            "only_first", "only_second", "accuracy_difference", "accuracy_interval", "loss_difference",
            "loss_interval", "p_value", "corrected_p_value")}
        for pair in pairs
    ]  # fmt: skip
    options = [{"option": "epochs", "values": [f"{10 + number}" for number in range(len(names))]}]
    return {
        "compared": "the runs' own test examples", "examples": 100, "conclusion": conclusion(pairs, names),
        "runs": runs, "pairs": told, "resamples": 10_000, "differing_options": options, "notes": [],
        "machine": "2 CPU cores", "date": "2026-01-31T20:15:22+01:00",
    } | changed  # fmt: skip


def disagreement(
    path: str = "cats/1.jpg", label: str = "cats", runs: Sequence[str] = ("first", "second"), side: int = 8
):
    """The first run has it right and the others wrong; of 0 pixels a side it is gone."""
    image = np.random.default_rng(0).integers(0, 256, (side, side, 3), dtype=np.uint8) if side else None
    answers = [Answer(run, "dogs" if number else label, 0.75, not number) for number, run in enumerate(runs)]
    return Disagreement(path, label, answers, image)


def groups(*shown: Disagreement, only: str = "first") -> list[DisagreementGroup]:
    return [DisagreementGroup(only, 2 * len(shown), shown), DisagreementGroup("second", 0, [])]
