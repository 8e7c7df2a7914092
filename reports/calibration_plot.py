"""Whether probabilities hold, and what leaving unsure pictures unanswered brings."""

import numpy as np
from matplotlib.figure import Figure

from evaluation.calibration import Reliability
from evaluation.metrics import wilson_interval
from reports.theme import PERCENT, new_panel, style_panel

LEAST_ANSWERED = 10  # of fewer an accuracy is noise
POINTS = 300  # of the curve; a screen shows no more


def plot_reliability(found: Reliability) -> Figure:
    """Draws the accuracy of each bin over its mean confidence, with 95% intervals, and below how many examples each
    bin has; what lies under the diagonal is too sure."""
    figure, (axes, counts), theme = new_panel(heights=(3, 1))
    filled = found.examples > 0
    accuracy, examples = found.accuracy[filled], found.examples[filled]
    ends = np.array([wilson_interval(round(rate * n), int(n)) for rate, n in zip(accuracy, examples, strict=True)])
    lengths = np.abs(ends - accuracy[:, None]).T
    axes.plot([0, 1], [0, 1], ":", color=theme.train, linewidth=1.2, label="perfectly calibrated")
    axes.errorbar(found.confidence[filled], accuracy, lengths, fmt="o", color=theme.right, markersize=4,
                  linewidth=1.4, label="a bin, with its 95% interval")  # fmt: skip
    style_panel(axes, theme, "reliability", "", "accuracy")
    axes.yaxis.set_major_formatter(PERCENT)
    axes.set_ylim(-0.02, 1.03)
    middles = (found.edges[:-1] + found.edges[1:]) / 2
    counts.bar(middles, found.examples, width=0.9 * np.diff(found.edges), color=theme.right)
    style_panel(counts, theme, "", "probability of the answer", "pictures")
    counts.xaxis.set_major_formatter(PERCENT)
    counts.set_xlim(-0.01, 1.01)
    return figure


def plot_abstention(answered: np.ndarray, accuracy: np.ndarray) -> Figure:
    """Draws the accuracy of the answers over the share of pictures that are answered, the surest ones first, with its
    95% band; both as `evaluation.decisions.abstention_curve` gives them."""
    figure, axes, theme = new_panel()
    counts = np.unique(np.linspace(min(LEAST_ANSWERED, len(answered)), len(answered), POINTS).astype(int))
    shares, rates = answered[counts - 1], accuracy[counts - 1]
    low, high = np.transpose([wilson_interval(round(rate * n), int(n)) for rate, n in zip(rates, counts, strict=True)])
    axes.fill_between(shares, low, high, color=theme.right, alpha=0.2, linewidth=0, label="95% interval")
    axes.plot(shares, rates, "-", color=theme.right, linewidth=1.8, label="accuracy of the answers")
    axes.axhline(rates[-1], linestyle=":", color=theme.train, linewidth=1.2, label="all answered")
    style_panel(axes, theme, "answering only the surest", "share of pictures answered", "accuracy")
    axes.set_xlim(-0.01, 1.01)
    axes.set_ylim(min(float(low.min()), 0.95) - 0.01, 1.005)
    axes.xaxis.set_major_formatter(PERCENT)
    axes.yaxis.set_major_formatter(PERCENT)
    return figure
