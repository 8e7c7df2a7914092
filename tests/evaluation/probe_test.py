"""The probe's folds share no content, its heads see nothing of what they predict, and its figures are logistic
regression's."""

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression

from base.errors import UserError
from evaluation import probe
from evaluation.probe import cross_validate, number_of_folds
from tests.helpers.watches import Recording

GENERATOR = np.random.default_rng


def blobs(sizes, distance, channels=12, seed=1) -> tuple[np.ndarray, np.ndarray]:
    """(features, labels) of classes whose means are `distance` apart, with a spread of 1, on scales that differ."""
    generator = GENERATOR(seed)
    labels = np.repeat(np.arange(len(sizes)), sizes)
    means = distance * generator.normal(size=(len(sizes), channels)) / np.sqrt(2 * channels)
    rows = means[labels] + generator.normal(size=(len(labels), channels))
    return (rows * 10.0 ** generator.integers(-2, 3, channels) + 7).astype(np.float32), labels


def accuracy(result, labels) -> float:
    return float(np.mean(result.probabilities.argmax(axis=1) == labels))


def test_classes_that_lie_apart_are_told_apart_and_each_example_has_a_row():
    features, labels = blobs((60, 40, 20), distance=9.0)
    result = cross_validate(features, labels, np.arange(120), 3, seed=1)
    assert accuracy(result, labels) > 0.95
    assert result.probabilities.dtype == np.float32
    np.testing.assert_allclose(result.probabilities.sum(axis=1), 1, rtol=1e-5)
    assert np.bincount(result.folds).tolist() == [24] * 5
    for fold in range(5):
        assert np.bincount(labels[result.folds == fold]).tolist() == [12, 8, 4]
    assert set(result.strengths) <= set(probe.STRENGTHS)
    assert len(result.strengths) == 5


def test_of_noise_nothing_is_learnt():
    # With as many channels as these, a head fits every example that it has seen.
    features = GENERATOR(5).normal(size=(300, 400)).astype(np.float32)
    labels = GENERATOR(6).integers(0, 2, 300)
    result = cross_validate(features, labels, np.arange(300), 2, seed=1)
    assert 0.4 < accuracy(result, labels) < 0.6


def test_copies_are_never_on_both_sides():
    copies = np.repeat(np.arange(75), 4)
    features = GENERATOR(5).normal(size=(75, 400)).astype(np.float32)[copies]
    labels = GENERATOR(6).integers(0, 2, 75)[copies]
    result = cross_validate(features, labels, copies, 2, seed=1)
    for content in range(75):
        assert len(set(result.folds[copies == content])) == 1
    assert 0.35 < accuracy(result, labels) < 0.65
    straddling = cross_validate(features, labels, np.arange(300), 2, seed=1)
    assert accuracy(straddling, labels) > 0.95  # so the test can tell


def test_each_row_is_of_logistic_regression_on_the_other_folds():
    features, labels = blobs((60, 60, 60), distance=2.5)
    result = cross_validate(features, labels, np.arange(180), 3, seed=1)
    assert 0.6 < accuracy(result, labels) < 0.98
    for fold, strength in enumerate(result.strengths):
        others = result.folds != fold
        mean, deviation = features[others].mean(axis=0), features[others].std(axis=0)
        fresh = LogisticRegression(C=strength, max_iter=5000, tol=1e-8)
        fresh.fit((features[others] - mean) / deviation, labels[others])
        expected = fresh.predict_proba((features[~others] - mean) / deviation)
        np.testing.assert_allclose(result.probabilities[~others], expected, atol=5e-3)


def test_scales_of_the_features_do_not_matter():
    features, labels = blobs((60, 60), distance=2.0)
    constant = np.full((120, 1), 3, np.float32)  # its deviation is 0
    one = cross_validate(features, labels, np.arange(120), 2, seed=1)
    other = cross_validate(np.hstack([features * 1000 - 5, constant]), labels, np.arange(120), 2, seed=1)
    assert one.strengths == other.strengths
    np.testing.assert_allclose(one.probabilities, other.probabilities, atol=2e-3)


def test_the_strength_follows_the_data():
    clear, labels = blobs((80, 80), distance=6.0)
    noise = GENERATOR(5).normal(size=(160, 400)).astype(np.float32)
    chosen = [np.median(cross_validate(rows, labels, np.arange(160), 2, seed=1).strengths) for rows in (noise, clear)]
    assert chosen[0] < chosen[1]


def test_the_folds_are_a_function_of_the_seed():
    features, labels = blobs((50, 50), distance=3.0)
    results = [cross_validate(features, labels, np.arange(100), 2, seed=seed) for seed in (1, 1, 2)]
    np.testing.assert_array_equal(results[0].probabilities, results[1].probabilities)
    assert (results[0].folds != results[2].folds).any()


@pytest.mark.parametrize(
    ("sizes", "folds"), [((60, 40), 5), ((60, 5), 5), ((60, 4), 4), ((60, 3), 3), ((60, 2), 3), ((60, 1), 3)]
)
def test_a_small_class_makes_for_fewer_folds(sizes, folds):
    features, labels = blobs(sizes, distance=9.0)
    assert number_of_folds(labels, np.arange(len(labels)), 2) == folds
    result = cross_validate(features, labels, np.arange(len(labels)), 2, seed=1)
    assert len(result.strengths) == folds
    if sizes[1] == 1:  # no head that is asked about it has seen another of its class
        assert result.probabilities[-1].tolist() == [1.0, 0.0]


def test_copies_count_once_in_the_number_of_folds():
    labels = np.array([0] * 20 + [1] * 8)
    contents = np.r_[np.arange(20), np.repeat([100, 101, 102, 103], 2)]
    assert number_of_folds(labels, contents, 2) == 4


def test_too_few_pictures_are_refused():
    labels = np.array([0, 0, 0, 0, 1, 1])
    with pytest.raises(UserError, match="--probe: no class has 3 different pictures") as caught:
        cross_validate(np.zeros((6, 2), np.float32), labels, np.array([0, 0, 1, 1, 2, 3]), 2, seed=1)
    assert "\n" not in str(caught.value)


def test_progress_and_stops_reach_it():
    features, labels = blobs((30, 30), distance=3.0)
    watch = Recording()
    cross_validate(features, labels, np.arange(60), 2, 1, watch)
    assert watch.steps == [(fold, 5, "probing") for fold in (1, 2, 3, 4, 5)]

    def stop():
        raise KeyError

    with pytest.raises(KeyError):
        cross_validate(features, labels, np.arange(60), 2, 1, Recording(stop))
