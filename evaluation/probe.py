"""Linear probe: what a linear head on frozen features reaches, by cross-validation, before anything is trained.

Logistic regression on standardized features. Every example is predicted by a head that has seen neither it nor a file
with its bytes, and whose strength of regularization was chosen without them too.
"""

import dataclasses
import warnings
from collections.abc import Iterator

import numpy as np

from base.errors import UserError
from base.watch import SILENT, Watch
from evaluation.metrics import log_losses

MOST_FOLDS, FEWEST_FOLDS = 5, 3  # with fewer, none would be left to choose the strength on
STRENGTHS = tuple(10.0 ** (exponent / 2) for exponent in range(-10, 1))  # scikit-learn's C, from strong to weak
_PATIENCE = 2  # strengths in a row that are worse, after which the weaker ones are not tried
_MOST_ITERATIONS = 1000


@dataclasses.dataclass(frozen=True)
class Probe:
    """What came out of `cross_validate`.

    Attributes:
      probabilities: float32 [examples, classes], each row by the head of the fold that left it out.
      folds: int64 [examples], which fold that is.
      strengths: scikit-learn's C, by fold.
    """

    probabilities: np.ndarray
    folds: np.ndarray
    strengths: tuple[float, ...]


def cross_validate(
    features: np.ndarray, labels: np.ndarray, contents: np.ndarray, num_classes: int, seed: int, watch: Watch = SILENT
) -> Probe:
    """Out-of-fold probabilities of `features` float32 [examples, channels].

    Args:
      labels: int [examples] in [0, num_classes).
      contents: int [examples], equal for files with the same bytes, which stay in one fold.
      seed: of the draw of the folds.

    Raises UserError where there are too few pictures, Stopped where somebody asked for it.
    """
    count = number_of_folds(labels, contents, num_classes)
    folds = _draw_folds(labels, contents, count, seed)
    probabilities, strengths = np.zeros((len(labels), num_classes), np.float32), []
    for fold in range(count):
        is_held_out = folds == fold
        inner = [_Head(features, labels, num_classes, ~is_held_out & (folds != one), ~is_held_out & (folds == one))
                 for one in range(count) if one != fold]  # fmt: skip
        strength = _choose_strength(inner, watch)
        head = _Head(features, labels, num_classes, ~is_held_out, is_held_out)
        probabilities[is_held_out] = head.predict(strength)
        strengths.append(strength)
        watch.progress(fold + 1, count, "probing")
    watch.close()
    return Probe(probabilities, folds, tuple(strengths))


def number_of_folds(labels: np.ndarray, contents: np.ndarray, num_classes: int) -> int:
    """As many as the smallest class has different pictures, from 3 to 5; raises UserError where no class has 3."""
    sizes = different_pictures(labels, contents, num_classes)
    if sizes.max() < FEWEST_FOLDS:
        raise UserError(
            f"--probe: no class has {FEWEST_FOLDS} different pictures to train and validate on, and each is to be "
            "predicted from others: give more"
        )
    return int(np.clip(sizes.min(), FEWEST_FOLDS, MOST_FOLDS))


def different_pictures(labels: np.ndarray, contents: np.ndarray, num_classes: int) -> np.ndarray:
    """int64 [num_classes]: pictures of each class, those with the same bytes counted once."""
    pairs = np.unique(np.stack([labels, contents], axis=1), axis=0)
    return np.bincount(pairs[:, 0], minlength=num_classes)


def _draw_folds(labels: np.ndarray, contents: np.ndarray, count: int, seed: int) -> np.ndarray:
    from sklearn.model_selection import StratifiedGroupKFold

    folds, draw = np.zeros(len(labels), np.int64), StratifiedGroupKFold(count, shuffle=True, random_state=seed)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of a class smaller than the folds, which is said in our words
        for fold, (_, held_out) in enumerate(draw.split(labels, labels, contents)):
            folds[held_out] = fold
    return folds


def _choose_strength(inner: "list[_Head]", watch: Watch) -> float:
    """The strength of the least log loss over all pictures that the inner heads hold out."""
    losses: list[float] = []
    for strength in STRENGTHS:
        watch.check()
        rows = [log_losses(head.held_out_labels, head.predict(strength)) for head in inner]
        losses.append(float(np.mean(np.concatenate(rows))))
        if len(losses) - 1 - int(np.argmin(losses)) >= _PATIENCE:
            break
    return STRENGTHS[int(np.argmin(losses))]


class _Head:
    """Logistic regression on the examples of `is_train`, asked about those of `is_held_out`, for growing strengths."""

    def __init__(self, features, labels, num_classes, is_train, is_held_out):
        self.held_out_labels = labels[is_held_out]
        self._train, self._held_out = _standardized(features[is_train], features[is_held_out])
        self._labels, self._num_classes = labels[is_train], num_classes
        self._regression = None

    def predict(self, strength: float) -> np.ndarray:
        """float64 [held out, classes]; a class without an example to train on has 0."""
        from sklearn.linear_model import LogisticRegression

        probabilities = np.zeros((len(self._held_out), self._num_classes))
        if (self._labels == self._labels[0]).all():
            probabilities[:, self._labels[0]] = 1.0
            return probabilities
        if self._regression is None:  # begins each time where the last, stronger one ended
            self._regression = LogisticRegression(warm_start=True, max_iter=_MOST_ITERATIONS)
        self._regression.C = strength
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # an optimum that is not reached to the last digit is as good
            self._regression.fit(self._train, self._labels)
        probabilities[:, self._regression.classes_] = self._regression.predict_proba(self._held_out)
        return probabilities


def _standardized(train: np.ndarray, others: np.ndarray) -> Iterator[np.ndarray]:
    """Both with the mean and the deviation of `train` taken out; what does not vary becomes 0."""
    mean, deviation = train.mean(axis=0, dtype=np.float64), train.std(axis=0, dtype=np.float64)
    scale = np.where(deviation > 1e-6 * np.abs(mean), deviation, 1.0)  # less is rounding
    return ((rows - mean) / scale for rows in (train, others))
