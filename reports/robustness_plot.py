"""Accuracy on corrupted pictures, as PNG bytes."""

from collections.abc import Sequence

import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import PercentFormatter

from records.tables import RobustnessRow
from reports.letters import FONT
from reports.theme import LAYOUT, LIGHT, fitted, png_of

# Okabe & Ito, "Color universal design" (2008), without the yellow, which is faint on white; each with a mark of its
# own, so that no color has to be told from another.
_COLORS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#000000", "#e69f00", "#56b4e9")
_MARKS = "os^vDPX"


def plot_robustness(rows: Sequence[RobustnessRow], title: str = "") -> bytes:
    """Draws accuracy over severity, a line a corruption, all of which begin at the accuracy of the pictures as they
    are; `rows` as `evaluation.robustness.measure_robustness` gives them."""
    clean, *corrupted = rows
    figure = Figure((8.6, 4.4), **LAYOUT, facecolor=LIGHT.background)
    axes = figure.subplots()
    names = list(dict.fromkeys(row.corruption for row in corrupted))
    for name, color, mark in zip(names, _COLORS, _MARKS, strict=False):
        line = [clean, *(row for row in corrupted if row.corruption == name)]
        severities, accuracies = zip(*((row.severity, row.accuracy) for row in line), strict=True)
        axes.plot(severities, accuracies, color=color, marker=mark, label=name, linewidth=1.8, markersize=6)
    axes.set_ylim(-0.02, 1.02)
    axes.set_xticks(np.arange(6), ["as it is", *"12345"])
    axes.yaxis.set_major_formatter(PercentFormatter(1.0))
    axes.set_title(fitted(title, 80), loc="left", color=LIGHT.text, family=FONT, size=10, parse_math=False)
    axes.set_xlabel("severity", color=LIGHT.text, family=FONT, size=9)
    axes.set_ylabel("accuracy", color=LIGHT.text, family=FONT, size=9)
    axes.set_facecolor(LIGHT.background)
    axes.grid(color=LIGHT.faint, linewidth=0.6, axis="y")
    axes.set_axisbelow(True)
    axes.spines[["top", "right", "left"]].set_visible(False)
    axes.spines["bottom"].set_color(LIGHT.faint)
    axes.tick_params(colors=LIGHT.text, labelsize=9, labelfontfamily=FONT, length=0)
    axes.legend(
        loc="center left", bbox_to_anchor=(1.0, 0.5), prop={"family": FONT, "size": 10}, frameon=False,
        labelcolor=LIGHT.text,
    )  # fmt: skip
    return png_of(figure)
