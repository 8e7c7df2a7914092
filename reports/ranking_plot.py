"""ROC and precision-recall curves, of one class or of the mean over many."""

from collections.abc import Sequence

import numpy as np
from matplotlib.figure import Figure

from evaluation.curves import Curve
from reports.theme import PERCENT, fitted, new_panel, style_panel

GRID = np.linspace(0.0, 1.0, 401)  # where curves of many classes are averaged
# Solid, dashed, dotted with dashes: lines that differ without their color.
_DASHES = ("-", "--", "-.")


def plot_roc(curves: Sequence[tuple[str, Curve | Sequence[Curve]]]) -> Figure:
    """Draws the recall over the false positive rate of up to three (name, curve), of which several are averaged: their
    recalls at each false positive rate ("vertical averaging", Fawcett, "An introduction to ROC analysis", 2006)."""
    figure, axes, theme = new_panel()
    axes.plot([0, 1], [0, 1], ":", color=theme.train, linewidth=1.2, label="chance")
    for (name, curve), color, dash in zip(curves, (theme.right, theme.wrong, theme.train), _DASHES, strict=False):
        axes.plot(*roc_points(curve), dash, color=color, linewidth=1.8, label=fitted(name, 34))
    style_panel(axes, theme, "ROC curve", "false positive rate", "true positive rate (recall)")
    _unit_square(axes)
    return figure


def plot_precision_recall(curves: Sequence[tuple[str, Curve | Sequence[Curve]]], share: float | None) -> Figure:
    """Draws the precision over the recall, in steps, of up to three (name, curve), of which several are averaged at
    each recall; `share`, where given, is that of the positives, which is the precision of calling all of them so."""
    figure, axes, theme = new_panel()
    if share is not None:
        axes.axhline(share, linestyle=":", color=theme.train, linewidth=1.2, label="all called positive")
    for (name, curve), color, dash in zip(curves, (theme.right, theme.wrong, theme.train), _DASHES, strict=False):
        recall, precision = precision_points(curve)
        axes.plot(recall, precision, dash, drawstyle="steps-pre", color=color, linewidth=1.8, label=fitted(name, 34))
    style_panel(axes, theme, "precision and recall", "recall", "precision")
    _unit_square(axes)
    return figure


def roc_points(curve: Curve | Sequence[Curve]) -> tuple[np.ndarray, np.ndarray]:
    """(false positive rates, recalls), of one curve its points, of several their means on `GRID`, each in [0, 1]."""
    if isinstance(curve, Curve):
        return curve.false_positive_rate, curve.recall
    # Of points above each other NumPy takes the highest at their place, the lowest on the way there: the curve itself.
    recalls = [np.interp(GRID, one.false_positive_rate, one.recall) for one in curve]
    return np.append(0.0, GRID), np.append(0.0, np.mean(recalls, axis=0))


def precision_points(curve: Curve | Sequence[Curve]) -> tuple[np.ndarray, np.ndarray]:
    """(recalls, precisions) as `Curve.average_precision` adds them: at each recall the precision of the first threshold
    that reaches it; of several their means on `GRID`."""
    if isinstance(curve, Curve):
        return curve.recall, np.append(curve.precision[1], curve.precision[1:])
    found = [one.precision[np.maximum(np.searchsorted(one.recall, GRID - 1e-12), 1)] for one in curve]
    return GRID, np.mean(found, axis=0)


def _unit_square(axes) -> None:
    axes.set_xlim(-0.01, 1.01)
    axes.set_ylim(-0.02, 1.03)
    axes.xaxis.set_major_formatter(PERCENT)
    axes.yaxis.set_major_formatter(PERCENT)
