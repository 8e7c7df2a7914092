"""Calibration against scikit-learn, against definitions and on made examples whose truth is known."""

import numpy as np
import pytest
from sklearn.calibration import calibration_curve
from sklearn.metrics import brier_score_loss

from evaluation.calibration import TEMPERATURES, at_temperature, brier_score, fit_temperature, reliability
from evaluation.metrics import log_losses
from tests.evaluation.curves_test import softmax


def drawn(count: int, classes: int, sharper: float = 1.0) -> tuple[np.ndarray, np.ndarray]:
    """(labels, probabilities): labels drawn from the probabilities, which are then made `sharper`."""
    generator = np.random.default_rng(0)
    true = at_temperature(softmax(4, count, classes)[1], 1.0)
    labels = (true.cumsum(axis=1) > generator.random((count, 1))).argmax(axis=1)
    return labels, at_temperature(true, 1.0 / sharper)


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
    probabilities = at_temperature(probabilities, 1.0)
    expected = brier_score_loss(labels, probabilities if classes > 2 else probabilities[:, 1], scale_by_half=False)
    assert brier_score(labels, probabilities) == pytest.approx(expected)


def test_a_temperature_changes_no_answer_and_one_changes_nothing():
    _, probabilities = softmax(7, 50, 6)
    for temperature in (0.3, 1.0, 4.0):
        scaled = at_temperature(probabilities, temperature)
        np.testing.assert_array_equal(scaled.argmax(axis=1), probabilities.argmax(axis=1))
        np.testing.assert_allclose(scaled.sum(axis=1), 1.0)
    np.testing.assert_allclose(at_temperature(probabilities, 1.0), probabilities, atol=1e-6)
    assert at_temperature(probabilities, 4.0).max() < at_temperature(probabilities, 0.3).max()


@pytest.mark.parametrize("sharper", [0.5, 1.0, 3.0])
def test_the_temperature_of_a_sharpened_model_is_found(sharper):
    labels, probabilities = drawn(20_000, 4, sharper)
    temperature = fit_temperature(labels, probabilities)
    assert temperature == pytest.approx(sharper, rel=0.05)
    after = log_losses(labels, at_temperature(probabilities, temperature)).mean()
    for other in (0.8 * temperature, 1.25 * temperature):
        assert log_losses(labels, at_temperature(probabilities, other)).mean() > after


def test_where_all_is_right_the_lowest_temperature_is_taken():
    labels, probabilities = softmax(8, 30, 3)
    assert fit_temperature(probabilities.argmax(axis=1), probabilities) == pytest.approx(TEMPERATURES[0], rel=1e-3)
    assert len(labels) == 30
