"""Of many classes the worst and the most confused are shown first, and nothing is left out."""

import numpy as np
import pytest

from reports import confusion_sections as sections
from reports.confusion_plot import MOST_COUNTED, plot_confusion, plot_overview
from reports.plots import png_pixels
from tests.helpers.evidence import predicted_of_counts
from tests.reports.plots_test import BLUE, ORANGE


def many(classes: int = 100) -> np.ndarray:
    """All right but class 7, which is taken for 93 four times of ten, and 8 for 9 twice of ten."""
    confusion = 10 * np.eye(classes, dtype=int)
    confusion[7, [7, 93]] = 6, 4
    confusion[8, [8, 9]] = 8, 2
    return confusion


def test_the_most_confused_classes_come_in_whole_pairs_and_in_order():
    assert sections.most_confused(many(), 24) == [7, 8, 9, 93]
    assert sections.most_confused(many(), 3) == [7, 93]  # 8 and 9 would be four
    assert sections.most_confused(np.eye(5, dtype=int), 24) == []


def test_a_block_has_the_counts_and_shares_of_the_whole(monkeypatch):
    written = []
    monkeypatch.setattr("matplotlib.axes.Axes.text", lambda _, x, y, text, **__: written.append((x, y, text)))
    confusion = many()
    confusion[7, 50] = 10
    plot_confusion(confusion, [f"{n}" for n in range(100)], block=[7, 93])
    assert written == [(0, 0, "6\n30%"), (1, 0, "4\n20%"), (1, 1, "10\n100%")]


def test_a_block_names_its_classes_by_their_own_numbers(monkeypatch):
    shown = []
    monkeypatch.setattr("matplotlib.axes.Axes.set_yticks", lambda _, places, labels=(), **__: shown.extend(labels))
    plot_confusion(many(), ["猫"] * 100, block=[7, 93])
    assert shown == ["class 7", "class 93"]


@pytest.mark.parametrize("classes", [61, 200, 1000])
def test_the_overview_has_right_in_blue_on_the_diagonal_and_wrong_in_orange_off_it(classes):
    confusion = 10 * np.eye(classes, dtype=int)
    confusion[: classes // 4, : classes // 4] = 0
    confusion[: classes // 4, classes // 2 : classes // 2 + classes // 4] = 10 * np.eye(classes // 4, dtype=int)
    pixels = png_pixels(plot_overview(confusion)).astype(int)
    places = {color: np.argwhere(np.abs(pixels - color).max(axis=2) <= 12) for color in (BLUE, ORANGE)}
    assert all(len(found) > 100 for found in places.values())
    assert places[ORANGE][:, 0].max() < places[BLUE][:, 0].max() / 2
    assert pixels.shape[1] < 900


@pytest.mark.usefixtures("_fast_plots")
@pytest.mark.parametrize("classes", [MOST_COUNTED, MOST_COUNTED + 1])
def test_very_many_classes_are_shown_as_an_overview_and_a_block(classes):
    matrix, *_ = sections.confusion_sections(predicted_of_counts(many()[:classes, :classes]), "test")
    assert (matrix.values["overview"] is not None) == (classes > MOST_COUNTED)
    assert matrix.values["shown"] == (2 if classes > MOST_COUNTED else classes)


@pytest.mark.usefixtures("_fast_plots")
def test_of_very_many_classes_the_worst_are_in_sight_and_all_are_there():
    confusion = many()
    confusion[5] = 0  # of no example, and never answered: nothing can be said of it
    _, classes, pairs = sections.confusion_sections(predicted_of_counts(confusion), "test")
    names = [name for _, name, _ in classes.values["rows"]]
    assert names[:3] == ["class 7", "class 93", "class 8"]
    assert names[-1] == "class 5"
    assert sorted(number for number, _, _ in classes.values["rows"]) == list(range(100))
    assert classes.values["worst"] == classes.values["rows"][: sections.WORST_CLASSES]
    assert pairs.values["pairs"] == [("class 7", "class 93", 4, 10), ("class 8", "class 9", 2, 10)]


@pytest.mark.usefixtures("_fast_plots")
def test_few_classes_stay_in_their_order():
    _, classes, _ = sections.confusion_sections(predicted_of_counts([[5, 5], [0, 9]]), "test")
    assert [number for number, _, _ in classes.values["rows"]] == [0, 1]
    assert classes.values["worst"] == []


@pytest.mark.usefixtures("_fast_plots")
def test_the_words_of_the_matrix_are_true():
    matrix, *_ = sections.confusion_sections(predicted_of_counts([[5, 5], [2, 8]], class_names=["a", "b"]), "test")
    assert matrix.values["alt"].startswith(
        "Confusion matrix of 20 test examples, true classes in rows, answers in columns: 13 are on the diagonal "
        "(65.0%); the largest number off it is 5, of a taken for b."
    )
