"""What a set of predictions is worth: counts, rates and how sure one can be of them. Pure numpy.

Every figure is a sum over examples divided by their number, never a mean of batch means, and every rate comes
with a 95% interval, because a test split of 100 examples does not know its accuracy to the third digit.
"""

import dataclasses
import math
from collections.abc import Mapping, Sequence

import numpy as np

Interval = tuple[float, float]

NORMAL_95 = 1.96  # standard deviations that hold 95% of a normal distribution
MIN_PROBABILITY = 1e-7  # else one sure mistake makes the mean infinite; so it costs 16.1 nats


@dataclasses.dataclass(frozen=True)
class ClassFigures:
    """How one class fared: rates in [0, 1] with their Wilson 95% intervals, None where there is nothing to divide by.

    `support` examples are of the class, `predicted` ones were predicted to be. f1 is 2 right / (support + predicted),
    the harmonic mean of precision and recall. Its interval is that of the part of examples that are right among those
    which are of the class or predicted to be, s: f1 = 2 s / (1 + s) grows with it.
    """

    support: int
    predicted: int
    precision: float | None
    precision_interval: Interval | None
    recall: float | None
    recall_interval: Interval | None
    f1: float | None
    f1_interval: Interval | None


@dataclasses.dataclass(frozen=True)
class ConfusionPair:
    """`examples` examples of class `true` were taken for class `predicted`; both are class numbers."""

    true: int
    predicted: int
    examples: int


def confusion_matrix(labels: np.ndarray, predictions: np.ndarray, num_classes: int) -> np.ndarray:
    """[num_classes, num_classes] int64, examples by true class (row) and predicted class (column).

    `labels` and `predictions` are [n] integers in [0, num_classes). Raises ValueError where the two differ in length,
    are not integers, or hold a number that is no class.
    """
    labels = _class_numbers("labels", labels, num_classes)
    predictions = _class_numbers("predictions", predictions, num_classes)
    if len(labels) != len(predictions):
        raise ValueError(f"{len(labels)} labels but {len(predictions)} predictions: give one a label")
    cells = np.bincount(labels * num_classes + predictions, minlength=num_classes * num_classes)
    return cells.reshape(num_classes, num_classes).astype(np.int64)


def class_figures(confusion: np.ndarray) -> list[ClassFigures]:
    """The figures of each class, in class order, from a [true, predicted] matrix of counts."""
    confusion = np.asarray(confusion)
    right, support, predicted = np.diagonal(confusion), confusion.sum(axis=1), confusion.sum(axis=0)
    return [_figures(*map(int, counts)) for counts in zip(right, support, predicted, strict=True)]


def balanced_accuracy(confusion: np.ndarray) -> float | None:
    """The mean recall of the classes that have examples, as if each had equally many; None if none has."""
    recalls = [figures.recall for figures in class_figures(confusion) if figures.recall is not None]
    return math.fsum(recalls) / len(recalls) if recalls else None


def class_balance(confusion: np.ndarray, class_names: Sequence[str]) -> dict:
    """What accuracy alone may hide, ready for JSON, of [true, predicted] counts, not all zero: balanced_accuracy,
    worst_class (name, recall, right, examples: of the lowest recall, then of most examples) and largest_class (name,
    and share, which is the accuracy of always saying that name)."""
    figures, right = class_figures(confusion), np.diagonal(confusion)
    tested = [label for label, one in enumerate(figures) if one.support]
    worst = min(tested, key=lambda label: (figures[label].recall, -figures[label].support))
    largest = max(tested, key=lambda label: figures[label].support)
    return {
        "balanced_accuracy": balanced_accuracy(confusion),
        "worst_class": {"name": class_names[worst], "recall": figures[worst].recall, "right": int(right[worst]),
                        "examples": figures[worst].support},
        "largest_class": {"name": class_names[largest], "share": figures[largest].support / int(np.sum(confusion))},
    }  # fmt: skip


def another_story(figures: Mapping) -> str:
    """In words, what `class_balance` says, where it says something else than accuracy: balanced accuracy is lower by
    0.02, the worst class is right half as often, or the largest class's name is as good; else empty."""
    accuracy, balanced, worst = figures["accuracy"], figures["balanced_accuracy"], figures["worst_class"]
    largest = figures["largest_class"]
    no_better = accuracy <= largest["share"] < 1
    if not (balanced < accuracy - 0.02 or worst["recall"] < 0.5 * accuracy or no_better):
        return ""
    right = f"{worst['right']} of {worst['examples']} right"
    words = f"balanced accuracy {balanced:.4f}; worst class {worst['name']!r}: {right}"
    return words + (f"; to say {largest['name']!r} always would score {largest['share']:.4f}" if no_better else "")


def confusion_pairs(confusion: np.ndarray, count: int) -> list[ConfusionPair]:
    """The `count` most frequent mistakes, most frequent first; ties by true, then predicted class number."""
    confusion = np.asarray(confusion)
    mistakes = np.where(np.eye(len(confusion), dtype=bool), 0, confusion).ravel()
    cells = np.argsort(-mistakes, kind="stable")[:count]
    pairs = [ConfusionPair(*map(int, divmod(cell, len(confusion))), int(mistakes[cell])) for cell in cells]
    return [pair for pair in pairs if pair.examples]


def wilson_interval(successes: int, trials: int, z: float = NORMAL_95) -> Interval:
    """The score interval of a proportion: inside [0, 1], honest for few trials and for rates near 0 or 1.

    E. B. Wilson, "Probable inference, the law of succession, and statistical inference", JASA 22 (1927).

    No trials give (0.0, 1.0), for nothing is known then; `z` is the half width in standard deviations. Raises
    ValueError where there are more successes than trials, or less than none.
    """
    if not 0 <= successes <= trials:
        raise ValueError(f"{successes} successes in {trials} trials: give from 0 to {trials}")
    if trials == 0:
        return 0.0, 1.0
    rate, square = successes / trials, z * z
    centre = (rate + square / (2 * trials)) / (1 + square / trials)
    half = z / (1 + square / trials) * math.sqrt(rate * (1 - rate) / trials + square / (4 * trials * trials))
    # The two ends that are exact in algebra are exact here too, not 1e-17 off.
    low = 0.0 if successes == 0 else max(0.0, centre - half)
    high = 1.0 if successes == trials else min(1.0, centre + half)
    return low, high


def mean_interval(losses: np.ndarray) -> Interval | None:
    """The 95% interval of the mean of `losses` ([n] floats, none negative), by the normal approximation.

    mean +- 1.96 s / sqrt(n), with s the standard deviation of n - 1 degrees of freedom; its low end is cut
    at 0, below which no log loss lies. None for fewer than two: one says nothing of the spread.
    """
    losses = np.asarray(losses, np.float64)
    if len(losses) < 2:
        return None
    half = NORMAL_95 * float(np.std(losses, ddof=1)) / math.sqrt(len(losses))
    mean = float(np.mean(losses))
    return max(0.0, mean - half), mean + half


def log_losses(labels: np.ndarray, probabilities: np.ndarray) -> np.ndarray:
    """[n] float64 in nats: -log of each example's probability of its true class, that one raised to at least 1e-7.

    `labels` are [n] integers in [0, classes), `probabilities` [n, classes] float32 or float64 in [0, 1]. Raises
    ValueError where the shapes disagree, a label is no class, or a probability is not a number in [0, 1].
    """
    labels, probabilities = _scored(labels, probabilities)
    return -np.log(np.maximum(probabilities[np.arange(len(labels)), labels], MIN_PROBABILITY))


def scores(labels: np.ndarray, probabilities: np.ndarray, answers: np.ndarray | None = None) -> dict:
    """Accuracy and log loss of a split, each with its 95% interval, ready for JSON; takes what `log_losses` takes.

    accuracy of the `answers`, int [n], which are the first of the largest where they are not given, and its Wilson
    accuracy_interval [low, high]; loss (mean, in nats) and its loss_interval [low, high], None for a single example;
    examples. Raises ValueError as `log_losses`, and where there are no examples.
    """
    losses = log_losses(labels, probabilities)
    if not len(losses):
        raise ValueError("0 examples have no score: leave an empty split out")
    right = int(np.sum((np.argmax(probabilities, axis=1) if answers is None else answers) == labels))
    interval = mean_interval(losses)
    return {
        "accuracy": right / len(losses),
        "accuracy_interval": list(wilson_interval(right, len(losses))),
        "loss": float(np.sum(losses)) / len(losses),
        "loss_interval": None if interval is None else list(interval),
        "examples": len(losses),
    }


def worst_mistakes(labels: np.ndarray, probabilities: np.ndarray, answers: np.ndarray, count: int) -> np.ndarray:
    """[at most count] int64: the rows whose `answers`, int [n], are wrong, the surest first, ties by row.

    Takes, and raises for, what `log_losses` does.
    """
    labels, probabilities = _scored(labels, probabilities)
    wrong = np.flatnonzero(answers != labels)
    confidence = probabilities[wrong, answers[wrong]]
    return wrong[np.argsort(-confidence, kind="stable")][:count].astype(np.int64)


def _figures(right: int, support: int, predicted: int) -> ClassFigures:
    precision, recall = (
        (right / trials, wilson_interval(right, trials)) if trials else (None, None) for trials in (predicted, support)
    )
    if not support + predicted:
        return ClassFigures(support, predicted, *precision, *recall, None, None)
    interval = wilson_interval(right, support + predicted - right)
    f1 = (2 * right / (support + predicted), tuple(2 * share / (1 + share) for share in interval))
    return ClassFigures(support, predicted, *precision, *recall, *f1)


def _class_numbers(name: str, values: np.ndarray, num_classes: int) -> np.ndarray:
    values = np.asarray(values)
    if values.ndim != 1:
        raise ValueError(f"{name} has shape {values.shape}: give one class number an example")
    if not len(values):
        return np.zeros(0, np.int64)
    if not np.issubdtype(values.dtype, np.integer):
        raise ValueError(f"{name} is {values.dtype}: give integers, the class numbers")
    # A negative number would quietly index from the end.
    outside = values[(values < 0) | (values >= num_classes)]
    if len(outside):
        raise ValueError(f"{name} holds {outside[0]}: class numbers go from 0 to {num_classes - 1}")
    return values.astype(np.int64)


def _scored(labels: np.ndarray, probabilities: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    probabilities = np.asarray(probabilities)
    if probabilities.ndim != 2 or len(probabilities) != len(labels):
        raise ValueError(f"probabilities has shape {probabilities.shape}: give ({len(labels)}, classes)")
    labels = _class_numbers("labels", labels, probabilities.shape[1])
    # NaN fails both comparisons; as a probability it would win every argmax and hide the sick run.
    if not np.all((probabilities >= 0) & (probabilities <= 1 + 1e-6)):
        raise ValueError("probabilities holds a value that is not in [0, 1]: look for NaN or a lost softmax")
    return labels, probabilities.astype(np.float64)
