"""What a verdict on a model is made from, and what follows from it by a test or with an interval: no words yet."""

import dataclasses
import functools
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from base.splits import SPLIT_NAMES
from evaluation.calibration import reliability
from evaluation.chance import errors_by_chance
from evaluation.gap import rate_gap
from evaluation.metrics import NORMAL_95, ClassFigures, Interval, class_figures, wilson_interval
from evaluation.trend import FEWEST, trend
from records.tables import SliceRow
from reports.predicted import Predicted

UNEVEN = 2.0  # the examples of the largest class over those of the smallest
LEAST_CHANGE = 0.05  # of a loss: a smooth curve has a trend however small it is


class LargestClass(NamedTuple):
    """The class of most examples; `share` of them are of it, `is_better` whether the model beats saying it always:
    None where the examples do not tell."""

    name: str
    share: float
    is_better: bool | None


class Calibration(NamedTuple):
    """The expected calibration error, what it would be by chance alone (its mean, and below what in 95 of 100 cases),
    and what the answers' probability is on average."""

    error: float
    by_chance: float
    bound: float
    confidence: float

    @property
    def holds(self) -> bool:
        """Whether chance explains the error."""
        return self.error <= self.bound


class Gap(NamedTuple):
    """A split that was not trained on, and by how much train's accuracy is better, with the 95% interval of that."""

    other: str
    gap: float
    interval: Interval


class Halves(NamedTuple):
    """The classes with at most `limit` training examples: how many they are, their accuracy, that of the others, and
    the gap with its 95% interval."""

    classes: int
    limit: int
    small: float
    large: float
    gap: float
    interval: Interval


class Course(NamedTuple):
    """How the validation loss went over the last `epochs`: "fell", "rose" or "level"; its medians before and after."""

    went: str
    epochs: int
    before: float
    after: float


@dataclasses.dataclass(frozen=True, eq=False)
class Evidence:
    """What is known of a model.

    Attributes:
      scored: what the predicted examples are called, as "test".
      figures: of each split, or of the `scored` pictures, what `evaluation.figures` says; None where it was not scored.
      predicted: of the `scored` examples; None where there are none.
      history: a mapping an epoch, as history.csv has it; `results` the rest of results.json; neither of a model that is
        scored on other pictures.
      options: what was chosen, by flag.
      train_counts: examples of each class in the training split.
      copies: files whose bytes are in another split too.
      slices: slices.csv, whose fields may be text; nothing where none were made.
    """

    scored: str
    figures: Mapping[str, Mapping | None]
    predicted: Predicted | None
    history: Sequence[Mapping] = ()
    results: Mapping[str, Any] = dataclasses.field(default_factory=dict)
    options: Mapping[str, Any] = dataclasses.field(default_factory=dict)
    train_counts: Sequence[int] = ()
    copies: int = 0
    slices: Sequence[SliceRow] = ()

    @property
    def shown(self) -> str | None:
        """The name of the figures that say most: of the `scored` pictures, else the last split that has any."""
        names = (self.scored, *reversed(SPLIT_NAMES))
        return next((name for name in names if self.figures.get(name)), None)

    @functools.cached_property
    def largest_class(self) -> LargestClass | None:
        """None where all examples are of one class.

        Of the examples on which the model and the constant answer differ in being right, it must win more than half:
        McNemar's test ("Note on the sampling error of the difference between correlated proportions", 1947) in the
        form of a Wilson interval.
        """
        if self.predicted is None:
            return None
        labels, answers, support = self.predicted.labels, self.predicted.answers, self.predicted.confusion.sum(axis=1)
        largest = int(support.argmax())
        if support[largest] == len(labels):
            return None
        right, constant = answers == labels, labels == largest
        low, high = wilson_interval(int(np.sum(right & ~constant)), int(np.sum(right != constant)))
        is_better = True if low > 0.5 else False if high < 0.5 else None
        return LargestClass(self.predicted.class_names[largest], float(support[largest] / len(labels)), is_better)

    @functools.cached_property
    def gap(self) -> Gap | None:
        """Between train and validation; where that is not there, test."""
        other = next((name for name in ("validation", "test") if self.figures.get(name)), None)
        if not self.figures.get("train") or other is None:
            return None
        train, others = (_counts(self.figures[name]) for name in ("train", other))
        return Gap(other, *rate_gap(*train, *others))

    @functools.cached_property
    def course(self) -> Course | None:
        """Of the last third of the epochs, of the last phase; None where there are too few, or no validation."""
        phase = [row for row in self.history if row.get("phase") == self.history[-1].get("phase")]
        losses = [row["validation_loss"] for row in phase]
        if len(losses) < FEWEST or not all(loss is not None and np.isfinite(loss) for loss in losses):
            return None
        last = losses[-max(FEWEST, -(-len(losses) // 3)) :]
        third = -(-len(last) // 3)
        before, after = (float(np.median(part)) for part in (last[:third], last[-third:]))
        slope = trend(last)
        moved = abs(slope) > NORMAL_95 and abs(after - before) >= LEAST_CHANGE * before
        went = ("rose" if slope > 0 else "fell") if moved and (after > before) == (slope > 0) else "level"
        return Course(went, len(last), before, after)

    @functools.cached_property
    def calibration(self) -> Calibration | None:
        """Of the `scored` examples."""
        if self.predicted is None:
            return None
        probabilities = self.predicted.probabilities
        errors = errors_by_chance(probabilities)
        return Calibration(
            reliability(self.predicted.labels, probabilities).expected_error,
            float(errors.mean()),
            float(np.quantile(errors, 0.95)),
            float(probabilities.max(axis=1).mean()),
        )

    @functools.cached_property
    def weak_classes(self) -> list[tuple[str, ClassFigures]]:
        """(name, figures) of the classes of which fewer examples are right than of all of them, the worst first: by the
        exact binomial test, at 95% for all classes together (Bonferroni)."""
        from scipy.special import bdtr

        if self.predicted is None:
            return []
        confusion = self.predicted.confusion
        found = list(zip(self.predicted.class_names, class_figures(confusion), strict=True))
        support, right = confusion.sum(axis=1), np.diagonal(confusion)
        by_chance = bdtr(right, support, right.sum() / support.sum())  # as few right ones or fewer
        weak = [one for one, rare in zip(found, by_chance <= 0.025 / len(found), strict=True) if rare]
        return sorted(weak, key=lambda one: (one[1].recall, -one[1].support))

    @functools.cached_property
    def small_classes(self) -> Halves | None:
        """How the smaller half of the classes fares, where train has twice as many examples of one as of another."""
        counts = np.array(self.train_counts)
        if self.predicted is None or len(counts) < 2 or counts.max() < UNEVEN * max(counts.min(), 1):
            return None
        limit = np.sort(counts)[(len(counts) - 1) // 2]
        support, right = self.predicted.confusion.sum(axis=1), np.diagonal(self.predicted.confusion)
        is_small = counts <= limit
        sides = [(int(right[side].sum()), int(support[side].sum())) for side in (~is_small, is_small)]
        if not all(examples for _, examples in sides):
            return None
        (large, small), (gap, interval) = ((one / examples for one, examples in sides), rate_gap(*sides[0], *sides[1]))
        return Halves(int(is_small.sum()), int(limit), small, large, gap, interval)


def _counts(figures: Mapping) -> tuple[int, int]:
    """(right, examples)."""
    return round(figures["accuracy"] * figures["examples"]), figures["examples"]
