"""Precision-recall curves as TensorBoard's plugin takes them."""

import numpy as np
import pytest
from tensorboard.plugins.pr_curve import summary

from evaluation.curves import class_curves, curve_of
from reports.precision_recall import MOST_CLASSES, shown_curves, threshold_table
from tests.evaluation.curves_test import softmax


@pytest.mark.parametrize("levels", [201, 7])
def test_the_rows_are_those_of_tensorboards_own_summary(levels):
    generator = np.random.default_rng(3)
    is_positive = generator.random(400) < 0.3
    scores = np.float32(np.clip(generator.normal(0.35 + 0.3 * is_positive, 0.2), 0, 1))
    table = threshold_table(curve_of(is_positive, scores), levels)
    theirs = summary.pb("curve", is_positive, scores, num_thresholds=levels).value[0].tensor
    expected = np.array(theirs.float_val or np.frombuffer(theirs.tensor_content, np.float32)).reshape(6, levels)
    np.testing.assert_array_equal(table[:4], expected[:4])
    called = expected[0] + expected[1] > 0  # where none is called, they say a precision of 0 and we one of 1
    np.testing.assert_allclose(table[4][called], expected[4][called], rtol=1e-6)
    np.testing.assert_allclose(table[5], expected[5], rtol=1e-6)
    assert set(table[4][~called]) <= {1.0}


def test_a_score_on_a_threshold_is_called_from_there_on():
    curve = curve_of([True, False, True, False], [1.0, 0.5, 0.5, 0.0])
    table = threshold_table(curve, 3)
    assert table[0].tolist() == [2, 2, 1]
    assert table[1].tolist() == [2, 1, 0]


def test_two_classes_have_one_curve_and_many_those_that_are_worst():
    labels, probabilities = softmax(5, 200, 2)
    assert shown_curves(class_curves(labels, probabilities)) == [1]
    assert shown_curves(class_curves(labels, probabilities), positive=0) == [0]
    labels, probabilities = softmax(6, 900, 14)
    curves = class_curves(labels, probabilities)
    shown = shown_curves(curves)
    assert len(shown) == MOST_CLASSES
    assert shown == sorted(shown)
    rest = set(range(14)) - set(shown)
    assert max(curves[one].average_precision for one in shown) <= min(curves[one].average_precision for one in rest)
    labels[labels == 3] = 4
    assert 3 not in shown_curves(class_curves(labels, probabilities)[:8])
