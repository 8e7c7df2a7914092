"""The curve of a learning-rate range test, as PNG bytes."""

from collections.abc import Sequence

import numpy as np
from matplotlib.figure import Figure

from records.tables import RateRow
from reports.letters import FONT
from reports.theme import LAYOUT, LIGHT, png_of


def plot_rate_range(rows: Sequence[RateRow], suggested: float | None) -> bytes:
    """Draws loss and smoothed loss over the rate, on a logarithmic axis, with the suggested rate marked.

    What lies far above the first losses, where training fails, is cut off.
    """
    rates, losses, means = (np.array(column, float) for column in zip(*rows, strict=True))
    figure = Figure((7.0, 4.2), **LAYOUT, facecolor=LIGHT.background)
    axes = figure.subplots()
    axes.plot(rates, losses, "-", color=LIGHT.train, label="loss", linewidth=1.0)
    axes.plot(rates, means, "-", color=LIGHT.right, label="smoothed", linewidth=1.8)
    if suggested is not None:
        axes.axvline(suggested, color=LIGHT.wrong, label=f"suggested: {suggested:.2g}", linewidth=1.2, linestyle=":")
    axes.set_xscale("log")
    low, high = float(losses.min()), 1.5 * float(losses[: max(1, len(losses) // 10)].max())
    axes.set_ylim(low - 0.05 * (high - low), high)
    axes.set_title("loss by learning rate", loc="left", color=LIGHT.text, family=FONT, size=11, weight="bold")
    axes.set_xlabel("learning rate", color=LIGHT.text, family=FONT, size=9)
    axes.set_facecolor(LIGHT.background)
    axes.grid(color=LIGHT.faint, linewidth=0.6)
    axes.spines[["top", "right", "left"]].set_visible(False)
    axes.spines["bottom"].set_color(LIGHT.faint)
    axes.tick_params(which="both", colors=LIGHT.text, labelsize=9, labelfontfamily=FONT, length=0)
    axes.legend(prop={"family": FONT, "size": 9}, frameon=False, labelcolor=LIGHT.text)
    return png_of(figure)
