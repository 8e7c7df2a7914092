"""What a split's predictions come to, in one mapping: how many are right, how well they rank, whether they hold."""

from collections.abc import Mapping, Sequence

import numpy as np

from evaluation.calibration import brier_score, reliability
from evaluation.curves import class_curves, top_k_accuracy
from evaluation.decisions import LIKELIEST
from evaluation.metrics import class_balance, confusion_matrix, scores

TOP = 5
# In the words of who reads them; the means are over the classes, each against all others.
WORDS = {
    "top_5_accuracy": "accuracy of the five likeliest", "roc_area": "area under the ROC curve",
    "average_precision": "average precision", "brier_score": "Brier score",
    "calibration_error": "expected calibration error",
}  # fmt: skip


def split_figures(
    labels: np.ndarray, probabilities: np.ndarray, class_names: Sequence[str], answers: np.ndarray | None = None
) -> dict:
    """`evaluation.metrics.scores` and `class_balance`, ready for JSON, of int [n] `labels` and `answers`, which are the
    likeliest classes where they are not given, and float32 [n, classes] `probabilities`, n at least 1."""
    answers = LIKELIEST.answers(probabilities) if answers is None else answers
    confusion = confusion_matrix(labels, answers, len(class_names))
    return scores(labels, probabilities, answers) | class_balance(confusion, class_names)


def all_figures(
    labels: np.ndarray, probabilities: np.ndarray, class_names: Sequence[str], answers: np.ndarray | None = None
) -> dict:
    """`split_figures` and `ranking_and_calibration`, whose time grows with examples times classes."""
    return split_figures(labels, probabilities, class_names, answers) | ranking_and_calibration(labels, probabilities)


def ranking_and_calibration(labels: np.ndarray, probabilities: np.ndarray) -> dict:
    """Ready for JSON, of int [n] `labels` and float [n, classes] `probabilities`, n at least 1.

    top_5_accuracy, where there are more than 5 classes; roc_area and average_precision, each the mean over the classes
    that have examples, against all others, None where only one has; brier_score in [0, 2]; calibration_error, the
    expected one of 15 bins.
    """
    curves = [curve for curve in class_curves(labels, probabilities) if curve is not None]
    top = {"top_5_accuracy": top_k_accuracy(labels, probabilities, TOP)} if probabilities.shape[1] > TOP else {}
    return top | {
        "roc_area": float(np.mean([curve.roc_area for curve in curves])) if curves else None,
        "average_precision": float(np.mean([curve.average_precision for curve in curves])) if curves else None,
        "brier_score": brier_score(labels, probabilities),
        "calibration_error": reliability(labels, probabilities).expected_error,
    }


def figures_line(figures: Mapping) -> str:
    """Those that are there, on one line."""
    return ", ".join(f"{word} {figures[name]:.4f}" for name, word in WORDS.items() if figures.get(name) is not None)
