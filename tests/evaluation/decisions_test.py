"""Operating points and abstention, by their definitions."""

import numpy as np
import pytest

from evaluation.curves import curve_of
from evaluation.decisions import abstention_curve, point_for_precision, point_for_recall
from evaluation.metrics import wilson_interval
from tests.evaluation.curves_test import examples, softmax


@pytest.mark.parametrize("target", [0.01, 0.5, 0.95, 1.0])
@pytest.mark.parametrize("levels", [1000, 8])
def test_a_recall_is_reached_and_no_higher_threshold_reaches_it(target, levels):
    is_positive, scores = examples(3, levels=levels)
    point = point_for_recall(curve_of(is_positive, scores), target)
    called = scores >= point.threshold
    recall = called[is_positive].mean()
    assert recall >= target
    assert (point.recall, point.precision) == pytest.approx((recall, is_positive[called].mean()))
    assert point.recall_interval == wilson_interval(int(called[is_positive].sum()), int(is_positive.sum()))
    assert point.precision_interval == wilson_interval(int(is_positive[called].sum()), int(called.sum()))
    higher = scores > scores[called].min()
    assert higher[is_positive].mean() < target


@pytest.mark.parametrize("target", [0.3, 0.6, 0.9])
def test_a_precision_is_reached_and_no_lower_threshold_reaches_it(target):
    is_positive, scores = examples(3)
    point = point_for_precision(curve_of(is_positive, scores), target)
    called = scores >= point.threshold
    assert point.precision == pytest.approx(is_positive[called].mean())
    assert point.precision >= target
    lower = [is_positive[scores >= score].mean() for score in scores if score < point.threshold]
    assert max(lower, default=0) < target


def test_a_precision_that_no_threshold_reaches_has_no_point():
    assert point_for_precision(curve_of([False, True, True], [0.9, 0.8, 0.7]), 0.9) is None


def test_a_threshold_lies_between_two_scores():
    curve = curve_of([True, True, False], [0.9, 0.5, 0.1])
    assert point_for_recall(curve, 1.0).threshold == pytest.approx(0.3)
    assert point_for_recall(curve, 0.5).threshold == pytest.approx(0.7)
    assert point_for_precision(curve, 0.6).threshold == pytest.approx(0.05)


def test_the_surest_are_answered_first():
    labels, probabilities = softmax(9, 100, 4)
    answered, accuracy = abstention_curve(labels, probabilities)
    right, confidence = probabilities.argmax(axis=1) == labels, probabilities.max(axis=1)
    assert (answered[-1], accuracy[-1]) == (1.0, right.mean())
    for place in (0, 9, 49):
        assert answered[place] == (place + 1) / 100
        assert accuracy[place] == right[confidence >= np.sort(confidence)[::-1][place]].mean()
    assert accuracy[:50].mean() > accuracy[-1]


def test_a_threshold_between_neighbours_of_float32_calls_the_upper_one_alone():
    for lower in (
        np.float32(0.5),
        np.nextafter(np.float32(0.5), np.float32(1)),
    ):  # one of the middles rounds down, one up
        pair = np.array([np.nextafter(lower, np.float32(1)), lower], np.float32)
        point = point_for_recall(curve_of([True, False], pair), 1.0)
        assert (pair >= np.float32(point.threshold)).tolist() == [True, False]
