"""Precision-recall curves for TensorBoard's tab of that name: what its plugin reads."""

from collections.abc import Sequence

import numpy as np

from evaluation.curves import Curve

THRESHOLDS = 201  # evenly spread over [0, 1], as the plugin takes them to be
MOST_CLASSES = 10  # more tiles than these are none that one looks at


def threshold_table(curve: Curve, thresholds: int = THRESHOLDS) -> np.ndarray:
    """float32 [6, thresholds]: true positives, false positives, true negatives, false negatives, precision and recall
    of calling positive what has a score of the threshold or more."""
    levels = np.linspace(0.0, 1.0, thresholds)
    # The last point whose score is not below the level: thresholds descend from infinity.
    places = np.searchsorted(-curve.thresholds, -levels, side="right") - 1
    right, wrong = curve.true_positives[places], curve.false_positives[places]
    rows = [right, wrong, curve.negatives - wrong, curve.positives - right, curve.precision[places],
            curve.recall[places]]  # fmt: skip
    return np.stack(rows).astype(np.float32)


def shown_curves(curves: Sequence[Curve | None], positive: int = 1) -> list[int]:
    """The class numbers whose curves are shown, in order: of two classes the `positive` one, else those of the lowest
    average precision."""
    there = [number for number, curve in enumerate(curves) if curve is not None]
    if len(curves) == 2:
        return [positive] if positive in there else there[-1:]
    return sorted(sorted(there, key=lambda number: curves[number].average_precision)[:MOST_CLASSES])
