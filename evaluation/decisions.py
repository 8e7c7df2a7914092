"""What to do with a probability: from which on a class is called, and how much a model may leave unanswered."""

import dataclasses

import numpy as np

from evaluation.curves import Curve
from evaluation.metrics import Interval, wilson_interval


@dataclasses.dataclass(frozen=True)
class OperatingPoint:
    """From which probability on the positive class is called, and what that came to on the examples it was chosen on.

    Rates in [0, 1] with their Wilson 95 % intervals; of the precision None where nothing was called.
    """

    threshold: float
    recall: float
    recall_interval: Interval
    precision: float | None
    precision_interval: Interval | None


def point_for_recall(curve: Curve, recall: float) -> OperatingPoint:
    """The highest threshold at which at least `recall`, in (0, 1], of the positives are called."""
    return _point(curve, int(np.argmax(curve.recall >= recall)))


def point_for_precision(curve: Curve, precision: float) -> OperatingPoint | None:
    """The lowest threshold at which at least `precision`, in (0, 1], of those called are positive, so that most of them
    are called; None where there is none."""
    good = np.flatnonzero((curve.precision >= precision) & (curve.true_positives > 0))
    return _point(curve, int(good[-1])) if len(good) else None


def _point(curve: Curve, place: int) -> OperatingPoint:
    right, called = int(curve.true_positives[place]), int(curve.true_positives[place] + curve.false_positives[place])
    precision = (right / called, wilson_interval(right, called)) if called else (None, None)
    recall = (right / curve.positives, wilson_interval(right, curve.positives))
    # Half-way to the next lower score: an example that comes as near as rounding is on the same side again.
    below = curve.thresholds[place + 1] if place + 1 < len(curve.thresholds) else 0.0
    return OperatingPoint(float((curve.thresholds[place] + below) / 2), *recall, *precision)


def abstention_curve(labels: np.ndarray, probabilities: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """(part answered, accuracy of the answers), both float64 [n], from only the surest example answered to all of them.

    The order is by the largest probability, ties in the order of the examples (El-Yaniv & Wiener, "On the foundations
    of noise-free selective classification", 2010: risk and coverage).
    """
    right = probabilities.argmax(axis=1) == labels
    order = np.argsort(-probabilities.max(axis=1), kind="stable")
    answered = np.arange(1, len(labels) + 1)
    return answered / len(labels), np.cumsum(right[order]) / answered
