"""The confusion matrix is a PNG of the right colors, and what is written on it can be read."""

import numpy as np
import pytest
from matplotlib.axes import Axes
from matplotlib.colors import to_rgb

from reports import theme
from reports.confusion_plot import _cell_colors, plot_confusion
from reports.plots import png_pixels
from tests.reports.plots_test import BLUE, ORANGE, columns_of


def contrast_of(one: str, other) -> float:
    """WCAG 2.2's contrast ratio, written down a second time."""

    def luminance(color):
        linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in to_rgb(color)]
        return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]

    low, high = sorted((luminance(one), luminance(other)))
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize("classes", [1, 2, 3, 43, 120])
def test_confusion_is_readable_for_any_number_of_classes(classes):
    confusion = np.diag(np.arange(classes) + 1)
    pixels = png_pixels(plot_confusion(confusion, [f"class_{number}" for number in range(classes)]))
    assert 400 < pixels.shape[0] < 3500
    blue = np.abs(pixels.astype(int) - BLUE).max(axis=2) <= 3
    assert blue.sum() / classes > 100  # a square for each


def test_confusion_shows_right_in_blue_and_wrong_in_orange():
    right = png_pixels(plot_confusion([[5, 0], [0, 5]], ["a", "b"]))
    wrong = png_pixels(plot_confusion([[0, 5], [5, 0]], ["a", "b"]))
    assert len(columns_of(right, BLUE)) > 100 > len(columns_of(right, ORANGE))
    assert len(columns_of(wrong, ORANGE)) > 100 > len(columns_of(wrong, BLUE))


def test_confusion_has_true_classes_in_rows():
    pixels = png_pixels(plot_confusion([[0, 5], [0, 5]], ["a", "b"])).astype(int)
    ys, xs = np.nonzero(np.abs(pixels - ORANGE).max(axis=2) <= 3)
    # True class a, predicted b: the upper right cell.
    assert ys.mean() < pixels.shape[0] / 2
    assert xs.mean() > pixels.shape[1] / 2


@pytest.mark.parametrize("name", ["$x^{$", "猫", "a\nb", "\udcff", "<b>&", "n" * 300, "", "\u202egnp"])
def test_names_can_be_anything(name):
    plot_confusion([[3, 1], [0, 4]], [name, "dogs"])


@pytest.mark.parametrize("dark", [False, True])
def test_the_figures_of_every_cell_can_be_read(monkeypatch, dark):
    written = []
    monkeypatch.setattr(Axes, "text", lambda _, x, y, text, color, **__: written.append((x, y, text, color)))
    for right in range(0, 101, 2):  # every share of a row, right and wrong
        confusion = np.array([[right, 100 - right], [right, 100 - right]])
        cells = _cell_colors(confusion, confusion.sum(axis=1), theme.DARK if dark else theme.LIGHT)
        written.clear()
        plot_confusion(confusion, ["a", "b"], dark=dark)
        assert len(written) == np.count_nonzero(confusion)
        for x, y, _, color in written:
            assert contrast_of(color, cells[y, x]) >= 4.5, (right, y, x)


def test_no_row_is_whole_that_is_not(monkeypatch):
    written = []
    monkeypatch.setattr(Axes, "text", lambda _, x, y, text, **__: written.append(text))
    plot_confusion(np.array([[399, 1], [0, 5]]), ["a", "b"])
    assert written == ["399\n>99%", "1\n<1%", "5\n100%"]


@pytest.mark.parametrize("name", ["猫", "قطة", "शेर", "a猫"])
def test_a_name_that_the_font_cannot_write_is_its_number(monkeypatch, name):
    shown = []
    monkeypatch.setattr(Axes, "set_yticks", lambda _, places, labels=(), **__: shown.extend(labels))
    plot_confusion([[3, 1], [0, 4]], ["dogs", name])
    assert shown == ["dogs", "class 1"]


def test_confusion_refuses_names_that_are_not_as_many():
    with pytest.raises(ValueError, match="3 class names need"):
        plot_confusion([[3, 1], [0, 4]], ["a", "b", "c"])


@pytest.mark.parametrize("name", ["a", "<b>dogs</b>", "W" * 24, "a name of many letters"])
@pytest.mark.parametrize("classes", [2, 5, 30])
def test_nothing_is_cut_at_the_edges(name, classes):
    pixels = png_pixels(plot_confusion(np.eye(classes, dtype=int), [name] * classes))
    for edge in (pixels[:3], pixels[-3:], pixels[:, :3], pixels[:, -3:]):
        assert edge.min() == 255
