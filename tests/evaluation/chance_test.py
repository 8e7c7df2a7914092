"""What chance does to a calibration error: as much as it does to examples whose probabilities hold."""

import numpy as np
import pytest

from evaluation.calibration import bins_of, reliability
from evaluation.chance import errors_by_chance
from tests.evaluation.calibration_test import drawn


def test_of_a_calibrated_model_the_error_is_one_of_chance():
    """95% of such models, each with labels of its own, have an error within the 95% of chance."""
    generator = np.random.default_rng(1)
    _, probabilities = drawn(300, 4)
    bound = np.quantile(errors_by_chance(probabilities), 0.95)
    errors = []
    for _ in range(400):
        labels = (probabilities.cumsum(axis=1) > generator.random((300, 1))).argmax(axis=1)
        errors.append(reliability(labels, probabilities).expected_error)
    assert 0.91 < np.mean(np.array(errors) <= bound) < 0.99
    assert np.mean(errors) == pytest.approx(errors_by_chance(probabilities).mean(), rel=0.05)


def test_more_examples_leave_less_to_chance_and_a_sure_model_nothing():
    few, many = (errors_by_chance(drawn(count, 4)[1]).mean() for count in (100, 10_000))
    assert many < few / 5
    assert errors_by_chance(np.array([[1.0, 0.0]] * 9)).max() == 0.0


def test_the_same_probabilities_give_the_same_errors():
    _, probabilities = drawn(50, 3)
    assert (errors_by_chance(probabilities) == errors_by_chance(probabilities)).all()
    assert len(errors_by_chance(probabilities, draws=7)) == 7


def test_bins_are_those_of_reliability():
    labels, probabilities = drawn(500, 3)
    confidence = probabilities.max(axis=1)
    assert (np.bincount(bins_of(confidence, 10), minlength=10) == reliability(labels, probabilities, 10).examples).all()
    assert bins_of(np.array([0.0, 0.1, 0.5, 1.0]), 2).tolist() == [0, 0, 0, 1]
