"""Panels have fixed margins, which all that is written beside an axis fits into."""

import numpy as np
import pytest
from matplotlib.figure import Figure

from evaluation.calibration import reliability
from evaluation.curves import class_curves
from evaluation.decisions import abstention_curve
from reports.calibration_plot import plot_abstention, plot_reliability
from reports.confusion_plot import plot_overview
from reports.plots import PANELS, plot_history, png_pixels
from reports.ranking_plot import plot_precision_recall, plot_roc
from reports.theme import png_of
from tests.evaluation.calibration_test import drawn
from tests.reports.plots_test import history_of

LABELS, PROBABILITIES = drawn(10_000, 3)
CURVES = class_curves(LABELS, PROBABILITIES)


def is_whole(plot: Figure | bytes) -> bool:
    """Whether nothing but the ground is at the edges."""
    pixels = png_pixels(png_of(plot) if isinstance(plot, Figure) else plot)
    return min(edge.min() for edge in (pixels[:3], pixels[-3:], pixels[:, :3], pixels[:, -3:])) == 255


@pytest.mark.parametrize("panel", PANELS)
@pytest.mark.parametrize("epochs", [1, 100, 1000])
@pytest.mark.parametrize("size", [1e-3, 1.0, 900.0])
def test_no_number_of_a_curve_is_cut(panel, epochs, size):
    rows = [row | {"loss": size * row["loss"], "validation_loss": size * row["validation_loss"],
                   "learning_rate": 0.00125, "validation_accuracy": 0.9} for row in history_of(epochs)]  # fmt: skip
    assert is_whole(plot_history(rows, panel))


@pytest.mark.parametrize("draw", [
    lambda: plot_roc([("x" * 40, CURVES), ("y" * 40, CURVES[0])]),
    lambda: plot_precision_recall([("x" * 40, CURVES[1])], 0.3),
    lambda: plot_reliability(reliability(LABELS, PROBABILITIES)),
    lambda: plot_abstention(*abstention_curve(LABELS, PROBABILITIES)),
    lambda: plot_overview(np.eye(1000, dtype=int)),
])  # fmt: skip
def test_no_word_of_the_others_is_cut(draw):
    assert is_whole(draw())
