"""Calibration against scikit-learn, against definitions and on made examples whose truth is known."""

import numpy as np
import pytest
from sklearn.calibration import calibration_curve
from sklearn.metrics import brier_score_loss

from evaluation.calibration import brier_score, reliability
from tests.evaluation.curves_test import softmax


def drawn(count: int, classes: int, sharper: float = 1.0) -> tuple[np.ndarray, np.ndarray]:
    """(labels, probabilities): labels drawn from the probabilities, which are then made `sharper`."""
    generator = np.random.default_rng(0)
    true = normalized(softmax(4, count, classes)[1])
    labels = (true.cumsum(axis=1) > generator.random((count, 1))).argmax(axis=1)
    return labels, normalized(true**sharper)


def normalized(values: np.ndarray) -> np.ndarray:
    return values / values.sum(axis=1, dtype=np.float64, keepdims=True)


def test_bins_equal_scikit_learns():
    labels, probabilities = softmax(5, 500, 3)
    found = reliability(labels, probabilities, bins=10)
    right = probabilities.argmax(axis=1) == labels
    accuracy, confidence = calibration_curve(right, probabilities.max(axis=1), n_bins=10)
    filled = found.examples > 0
    np.testing.assert_allclose(found.accuracy[filled], accuracy)
    np.testing.assert_allclose(found.confidence[filled], confidence)
    assert found.examples.sum() == 500
    assert np.isnan(found.accuracy[~filled]).all()


def test_the_error_is_the_mean_gap():
    labels = np.array([0, 0, 1, 1])
    probabilities = np.array([[0.9, 0.1], [0.8, 0.2], [0.7, 0.3], [0.25, 0.75]])
    # Bins of a fifth: (0.8, 1] has 0.9, right; (0.6, 0.8] has 0.8 and 0.75, right, and 0.7, wrong.
    expected = (abs(1 - 0.9) + 3 * abs(2 / 3 - 0.75)) / 4
    assert reliability(labels, probabilities, bins=5).expected_error == pytest.approx(expected)


def test_sure_and_unsure_models_are_told_from_calibrated_ones():
    calibrated, sure = (reliability(*drawn(5000, 4, sharper)).expected_error for sharper in (1.0, 3.0))
    assert calibrated < 0.03
    assert sure > 0.1
    one = reliability(np.array([0]), np.array([[1.0, 0.0]]))
    assert (one.expected_error, one.examples[-1]) == (0.0, 1)


@pytest.mark.parametrize("classes", [2, 5])
def test_the_brier_score_equals_scikit_learns(classes):
    labels, probabilities = softmax(6, 100, classes)
    probabilities = normalized(probabilities)
    expected = brier_score_loss(labels, probabilities if classes > 2 else probabilities[:, 1], scale_by_half=False)
    assert brier_score(labels, probabilities) == pytest.approx(expected)
