"""What to do with probabilities: which class is answered, from which on it is, and how much may stay unanswered."""

import dataclasses
from collections.abc import Sequence

import numpy as np

from evaluation.curves import Curve
from evaluation.metrics import Interval, wilson_interval


@dataclasses.dataclass(frozen=True)
class Decision:
    """How an answer comes out of probabilities: the likeliest class, the first of equals; with a `threshold`, of two
    classes, number `positive` from that probability on and else the other one."""

    positive: int = 1
    threshold: float | None = None

    def answers(self, probabilities: np.ndarray) -> np.ndarray:
        """int64 [n], a class number an example, of float32 [n, classes] `probabilities`."""
        if self.threshold is None:
            return probabilities.argmax(axis=1)
        called = probabilities[:, self.positive] >= np.float32(self.threshold)
        return np.where(called, self.positive, 1 - self.positive)

    def words(self, class_names: Sequence[str]) -> str:
        """What is answered, in words; empty where it is the likeliest class."""
        if self.threshold is None:
            return ""
        name, other = class_names[self.positive], class_names[1 - self.positive]
        return f"{name!r} is answered from a probability of {self.threshold:.4f} on, else {other!r}"


LIKELIEST = Decision()


@dataclasses.dataclass(frozen=True)
class OperatingPoint:
    """From which probability on the positive class is called, and what that comes to on some examples.

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


def point_at(decision: Decision, labels: np.ndarray, probabilities: np.ndarray) -> OperatingPoint | None:
    """What the threshold of `decision` comes to on int [n] `labels` and float32 [n, 2] `probabilities`; None where none
    of them is positive."""
    called, is_positive = decision.answers(probabilities) == decision.positive, labels == decision.positive
    if not is_positive.any():
        return None
    return _rates(decision.threshold, int((called & is_positive).sum()), int(called.sum()), int(is_positive.sum()))


def _point(curve: Curve, place: int) -> OperatingPoint:
    # Half-way to the next lower score: an example that comes as near as rounding is on the same side again.
    below = curve.thresholds[place + 1] if place + 1 < len(curve.thresholds) else 0.0
    middle = float(np.float32((curve.thresholds[place] + below) / 2))  # as the exported model compares
    threshold = middle if below < middle <= curve.thresholds[place] else float(curve.thresholds[place])
    right = int(curve.true_positives[place])
    return _rates(threshold, right, right + int(curve.false_positives[place]), curve.positives)


def _rates(threshold: float, right: int, called: int, positives: int) -> OperatingPoint:
    precision = (right / called, wilson_interval(right, called)) if called else (None, None)
    return OperatingPoint(threshold, right / positives, wilson_interval(right, positives), *precision)


def abstention_curve(labels: np.ndarray, probabilities: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """(part answered, accuracy of the answers), both float64 [n], from only the surest example answered to all of them.

    The order is by the largest probability, ties in the order of the examples (El-Yaniv & Wiener, "On the foundations
    of noise-free selective classification", 2010: risk and coverage).
    """
    right = probabilities.argmax(axis=1) == labels
    order = np.argsort(-probabilities.max(axis=1), kind="stable")
    answered = np.arange(1, len(labels) + 1)
    return answered / len(labels), np.cumsum(right[order]) / answered
