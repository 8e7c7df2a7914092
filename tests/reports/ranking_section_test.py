"""The curves that are drawn are those whose areas the figures say, and the words beside them are true."""

import re

import numpy as np
import pytest
from sklearn.metrics import average_precision_score, roc_auc_score, roc_curve

from evaluation.curves import class_curves, curve_of
from evaluation.figures import all_figures
from reports import ranking_section as section
from reports.predicted import Predicted
from reports.ranking_plot import GRID, plot_precision_recall, plot_roc, precision_points, roc_points
from tests.evaluation.curves_test import softmax
from tests.reports.plots_test import BLUE, ORANGE, columns_of, pixels_of


def predicted(count: int, classes: int, class_names=None) -> Predicted:
    labels, probabilities = softmax(3, count, classes)
    names = class_names or [f"class {number}" for number in range(classes)]
    return Predicted(names, labels, probabilities.argmax(axis=1), probabilities)


def test_the_mean_of_one_curve_is_that_curve():
    labels, probabilities = softmax(1, 300, 2)
    curve = curve_of(labels == 1, probabilities[:, 1])
    rates, recalls = roc_points([curve])
    false_positive_rate, recall, _ = roc_curve(labels, probabilities[:, 1], drop_intermediate=False)
    for rate, found in zip(rates[1:], recalls[1:], strict=True):
        before = np.flatnonzero(false_positive_rate <= rate)[-1]  # of points above each other the highest
        after = min(before + 1, len(recall) - 1)
        way = (rate - false_positive_rate[before]) / max(
            false_positive_rate[after] - false_positive_rate[before], 1e-12
        )
        assert found == pytest.approx(recall[before] + way * (recall[after] - recall[before]))
    assert (rates[0], recalls[0]) == (0.0, 0.0)
    grid, precisions = precision_points([curve])
    for recall, precision in zip(grid, precisions, strict=True):
        first = np.flatnonzero((curve.recall >= recall - 1e-12) & (curve.true_positives + curve.false_positives > 0))[0]
        assert precision == curve.precision[first]


def test_the_area_under_the_mean_is_the_mean_of_the_areas():
    one = predicted(400, 6)
    curves = class_curves(one.labels, one.probabilities)
    figures = all_figures(one.labels, one.probabilities, one.class_names)
    assert np.trapezoid(*roc_points(curves)[::-1]) == pytest.approx(figures["roc_area"], abs=0.003)
    grid, precisions = precision_points(curves)
    assert (grid == GRID).all()
    assert precisions[1:].mean() == pytest.approx(figures["average_precision"], abs=0.005)


def test_of_two_classes_the_positive_one_is_shown():
    one = predicted(200, 2, ["cats", "dogs"])
    areas = {name: number for name, number in re.findall(r"(\w+): area (\d\.\d+)", _alts(one)[0])}
    assert areas == {"dogs": f"{roc_auc_score(one.labels, one.probabilities[:, 1]):.4g}"}
    precision = average_precision_score(one.labels == 0, one.probabilities[:, 0])
    assert f"cats: average precision {precision:.4g}" in _alts(one, "cats")[1]


def test_of_many_classes_the_mean_the_worst_and_the_median_are_shown():
    one = predicted(300, 9)
    areas = sorted(roc_auc_score(one.labels == label, one.probabilities[:, label]) for label in range(9))
    shown = [float(area) for area in re.findall(r": area (\d\.\d+)", _alts(one)[0])]
    assert shown == pytest.approx([np.mean(areas), areas[0], areas[4]], abs=1e-4)
    assert "mean of 9 classes" in _alts(one)[0]


def test_the_words_of_the_pictures_are_true():
    one = predicted(400, 2)
    curve = curve_of(one.labels == 1, one.probabilities[:, 1])
    recall = float(re.search(r"finds ([\d.]+)% of the positives at a false positive rate of 5%", _alts(one)[0])[1])
    assert recall == pytest.approx(100 * np.interp(0.05, curve.false_positive_rate, curve.recall), abs=0.06)
    precision = float(re.search(r"precision of ([\d.]+)% at a recall of 90%", _alts(one)[1])[1])
    assert precision == pytest.approx(100 * curve.precision[np.argmax(curve.recall >= 0.9)], abs=0.06)


def test_classes_without_examples_are_counted_and_one_class_alone_has_no_curve():
    labels, probabilities = softmax(2, 50, 5)
    some = labels < 3
    one = Predicted(list("abcde"), labels[some], labels[some], probabilities[some])
    (found,) = section.ranking_section(one)
    assert (found.values["classes"], found.values["left_out"]) == (3, 2)
    alone = Predicted(["a", "b"], np.zeros(4, int), np.zeros(4, int), np.full((4, 2), 0.5))
    assert list(section.ranking_section(alone)) == []


@pytest.mark.parametrize("draw", [plot_roc, lambda curves, **how: plot_precision_recall(curves, 0.5, **how)])
def test_curves_differ_in_color_and_any_name_can_be_written(draw):
    one = predicted(100, 4)
    curves = class_curves(one.labels, one.probabilities)
    pixels = pixels_of(draw([("$x^{$", curves), ("猫\udcff", curves[0])]))
    assert len(columns_of(pixels, BLUE)) > 50
    assert len(columns_of(pixels, ORANGE)) > 50


def _alts(one: Predicted, positive: str = "") -> list[str]:
    (found,) = section.ranking_section(one, positive)
    return [alt for _, alt in found.values["pictures"]]
