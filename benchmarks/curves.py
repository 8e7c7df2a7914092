"""The figure of the accuracy line: test accuracy against wall clock, a curve a rival."""

from collections.abc import Mapping
from pathlib import Path

from benchmarks.settings import ROOT

PATH = ROOT / "docs" / "images" / "accuracy.png"
# Okabe and Ito's colors, which are told apart without seeing red or green ("Color Universal Design", 2008).
COLORS = ("#000000", "#0072B2", "#D55E00", "#009E73", "#CC79A7")
MARKERS = "osD^v"


def write(groups: Mapping[str, Mapping[str, list]], path: Path = PATH) -> None:
    """A panel a group of {name: [(seconds, accuracy), ...]}, side by side."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    figure, panels = pyplot.subplots(1, len(groups), figsize=(5.2 * len(groups), 3.8), squeeze=False)
    for panel, (title, curves) in zip(panels[0], groups.items(), strict=True):
        for (name, points), color, marker in zip(curves.items(), COLORS, MARKERS, strict=False):
            minutes, accuracies = [seconds / 60 for seconds, _ in points], [accuracy for _, accuracy in points]
            panel.step(minutes, accuracies, where="post", color=color, marker=marker, markersize=4, label=name,
                       linewidth=2.5 if name == "penstock" else 1.2)  # fmt: skip
        panel.set(title=title, xlabel="minutes of wall clock, start-up included", ylabel="test accuracy")
        panel.grid(alpha=0.3)
        panel.legend(fontsize=8)
    figure.tight_layout()
    figure.savefig(path, dpi=110)
    pyplot.close(figure)
