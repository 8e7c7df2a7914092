"""How well scores rank examples: ROC and precision-recall curves, and the areas under them. Pure numpy.

sklearn.metrics has the same figures, which the tests compare; it takes a second to import, which every run would wait
for at its end.
"""

import dataclasses

import numpy as np


@dataclasses.dataclass(frozen=True, eq=False)
class Curve:
    """Rates at each threshold, from the highest score down: a point a distinct score, before which none is positive.

    Attributes:
      thresholds: float64 [points], descending, the first one above every score; an example is called positive from its
        threshold on.
      true_positives, false_positives: int64 [points], examples called positive that are and that are not.
      positives, negatives: how many there are.
    """

    thresholds: np.ndarray
    true_positives: np.ndarray
    false_positives: np.ndarray
    positives: int
    negatives: int

    @property
    def recall(self) -> np.ndarray:
        """float64 [points] in [0, 1]: of the positives, those called so; the true positive rate."""
        return self.true_positives / self.positives

    @property
    def false_positive_rate(self) -> np.ndarray:
        """float64 [points] in [0, 1]: of the negatives, those called positive."""
        return self.false_positives / self.negatives

    @property
    def precision(self) -> np.ndarray:
        """float64 [points] in [0, 1]: of those called positive, the ones that are; 1 where none is."""
        called = self.true_positives + self.false_positives
        return np.where(called, self.true_positives / np.maximum(called, 1), 1.0)

    @property
    def roc_area(self) -> float:
        """The probability that a positive has a higher score than a negative, half of the ties counted: the trapezoids
        under recall over the false positive rate (Hanley & McNeil 1982)."""
        return float(np.trapezoid(self.recall, self.false_positive_rate))

    @property
    def average_precision(self) -> float:
        """Precision, each weighted by the recall that it adds: no line between two points, which would be optimistic
        (Davis & Goadrich, "The relationship between precision-recall and ROC curves", 2006)."""
        return float(np.sum(np.diff(self.recall) * self.precision[1:]))


def curve_of(is_positive: np.ndarray, scores: np.ndarray) -> Curve:
    """The curve of float [n] `scores`, higher ones for what is likelier to be positive; `is_positive` is bool [n].

    Raises ValueError where there are no positives or no negatives, a score is not finite, or the lengths differ.
    """
    is_positive, scores = np.asarray(is_positive, bool), np.asarray(scores, np.float64)
    if is_positive.shape != scores.shape or scores.ndim != 1:
        raise ValueError(f"{scores.shape} scores of {is_positive.shape} examples: give each one score")
    if not np.isfinite(scores).all():
        raise ValueError("a score is not finite: look for NaN")
    positives = int(is_positive.sum())
    if not 0 < positives < len(scores):
        raise ValueError(f"{positives} of {len(scores)} examples are positive: a curve needs some of both")
    order = np.argsort(-scores, kind="stable")
    last_of_score = np.append(np.flatnonzero(np.diff(scores[order])), len(scores) - 1)
    true_positives = np.cumsum(is_positive[order])[last_of_score]
    return Curve(
        np.append(np.inf, scores[order][last_of_score]),
        np.append(0, true_positives),
        np.append(0, last_of_score + 1 - true_positives),
        positives,
        len(scores) - positives,
    )


def class_curves(labels: np.ndarray, probabilities: np.ndarray) -> list[Curve | None]:
    """The curve of each class against all others, by its probability; None of one that has no examples, or all."""
    found = []
    for name in range(probabilities.shape[1]):
        is_positive = labels == name
        found.append(curve_of(is_positive, probabilities[:, name]) if 0 < is_positive.sum() < len(labels) else None)
    return found


def top_k_accuracy(labels: np.ndarray, probabilities: np.ndarray, k: int) -> float:
    """The part of examples whose class is among the `k` likeliest; of ties the first classes, as argmax has it.

    `labels` are int [n], `probabilities` float [n, classes]. Raises ValueError where k is not in [1, classes].
    """
    classes = probabilities.shape[1]
    if not 1 <= k <= classes:
        raise ValueError(f"top {k} of {classes} classes: give from 1 to {classes}")
    likeliest = np.argsort(-np.asarray(probabilities, np.float64), axis=1, kind="stable")[:, :k]
    return float((likeliest == np.asarray(labels)[:, None]).any(axis=1).mean())
