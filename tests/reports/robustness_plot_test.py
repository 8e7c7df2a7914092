"""The plot has a line a corruption, told apart by more than color, and is a picture of the usual kind."""

import numpy as np
import pytest
from matplotlib.axes import Axes
from matplotlib.colors import to_rgb

from evaluation.corruptions import CORRUPTIONS
from evaluation.robustness import CLEAN
from records.tables import ROBUSTNESS, RobustnessRow
from reports import robustness_plot
from reports.plots import png_pixels


def rows_of(names) -> list[RobustnessRow]:
    clean = RobustnessRow(CLEAN, 0, "", "", 50, 0.94, 0.9, 0.97, 0.2)
    return [clean] + [
        RobustnessRow(name, severity, 0.5, "of white", 50, 0.9 - 0.1 * severity - 0.02 * place, 0.1, 0.9, 1.0)
        for place, name in enumerate(names) for severity in range(1, 6)
    ]  # fmt: skip


NAMES = [one.name for one in CORRUPTIONS]


def test_each_corruption_has_a_line_from_the_clean_accuracy_down(monkeypatch):
    drawn, plot = {}, Axes.plot
    monkeypatch.setattr(
        Axes, "plot", lambda axes, x, y, **how: drawn.update({how["label"]: (x, y, how)}) or plot(axes, x, y, **how)
    )
    rows = rows_of(NAMES)
    pixels = png_pixels(robustness_plot.plot_robustness(rows, "a run: its test split"))
    assert list(drawn) == NAMES
    for name, (severities, accuracies, _) in drawn.items():
        assert list(severities) == [0, 1, 2, 3, 4, 5]
        assert list(accuracies) == [0.94] + [row.accuracy for row in rows if row.corruption == name]
    assert len({how["marker"] for _, _, how in drawn.values()}) == len(NAMES)
    for color in {how["color"] for _, _, how in drawn.values()}:
        near = np.abs(pixels - 255 * np.array(to_rgb(color))).max(axis=2) < 4
        assert near.sum() > 100, color
    assert pixels.shape[1] > pixels.shape[0] > 500
    assert pixels[0, 0].min() == 255


def machado(color: str, kind: str) -> np.ndarray:
    """A color, [3] linear RGB, as who lacks a kind of cones sees it: Machado, Oliveira & Fernandes, "A physiologically-
    based model for simulation of color vision deficiency" (2009), at severity 1."""
    matrix = {
        "no red cones": [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216],
                         [-0.003882, -0.048116, 1.051998]],
        "no green cones": [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413],
                           [-0.011820, 0.042940, 0.968881]],
    }[kind]  # fmt: skip
    return np.clip(np.array(matrix) @ np.array(to_rgb(color)) ** 2.2, 0, 1) ** (1 / 2.2)


@pytest.mark.parametrize("kind", ["no red cones", "no green cones"])
def test_no_two_lines_look_alike_to_the_color_blind(kind):
    seen = [machado(color, kind) for color in robustness_plot._COLORS]
    for place, one in enumerate(seen):
        for other in seen[:place]:
            assert np.linalg.norm(one - other) > 0.1, (kind, one, other)


@pytest.mark.parametrize("title", ["$x^{$", "猫", "n" * 300, ""])
def test_titles_can_be_anything_and_few_lines_will_do(title):
    robustness_plot.plot_robustness(rows_of(["blur"]), title)


def test_the_table_comes_back_as_it_was(tmp_path):
    rows = rows_of(NAMES)
    ROBUSTNESS.write(tmp_path / "robustness.csv", rows)
    assert (tmp_path / "robustness.csv").read_bytes().startswith(ROBUSTNESS.beginning)
    read = ROBUSTNESS.read(tmp_path / "robustness.csv")
    assert [[row.corruption, int(row.severity), float(row.accuracy), float(row.loss)] for row in read] == [
        [row.corruption, row.severity, row.accuracy, row.loss] for row in rows
    ]
