"""Curves and their areas against scikit-learn and against their definitions."""

import itertools

import numpy as np
import pytest
from sklearn import metrics

from evaluation.curves import class_curves, curve_of, top_k_accuracy


def examples(seed: int, count: int = 200, levels: int = 1000) -> tuple[np.ndarray, np.ndarray]:
    """(is positive, scores) of which few `levels` make ties."""
    generator = np.random.default_rng(seed)
    is_positive = generator.random(count) < 0.3
    scores = np.round((generator.normal(size=count) + is_positive) * levels / 8) / levels
    return is_positive, scores


def softmax(seed: int, count: int, classes: int) -> tuple[np.ndarray, np.ndarray]:
    generator = np.random.default_rng(seed)
    labels = generator.integers(0, classes, count)
    logits = generator.normal(size=(count, classes)) + 1.5 * np.eye(classes)[labels]
    powers = np.exp(logits)
    return labels, (powers / powers.sum(axis=1, keepdims=True)).astype(np.float32)


@pytest.mark.parametrize(("seed", "levels"), list(itertools.product(range(5), (1000, 10, 1))))
def test_areas_and_rates_equal_scikit_learns(seed, levels):
    is_positive, scores = examples(seed, levels=levels)
    curve = curve_of(is_positive, scores)
    assert curve.roc_area == pytest.approx(metrics.roc_auc_score(is_positive, scores), abs=1e-12)
    assert curve.average_precision == pytest.approx(metrics.average_precision_score(is_positive, scores), abs=1e-12)
    false_rate, true_rate, thresholds = metrics.roc_curve(is_positive, scores, drop_intermediate=False)
    np.testing.assert_allclose(curve.false_positive_rate, false_rate)
    np.testing.assert_allclose(curve.recall, true_rate)
    np.testing.assert_array_equal(curve.thresholds[1:], thresholds[1:])
    precision, recall, _ = metrics.precision_recall_curve(is_positive, scores)
    np.testing.assert_allclose(curve.precision[::-1], precision)
    np.testing.assert_allclose(curve.recall[::-1], recall)


def test_the_area_is_how_often_a_positive_is_above_a_negative():
    is_positive, scores = examples(7, count=40, levels=6)
    above = scores[is_positive][:, None] - scores[~is_positive]
    assert curve_of(is_positive, scores).roc_area == pytest.approx(((above > 0) + 0.5 * (above == 0)).mean())


def test_what_comes_of_all_scores_alike_is_a_coin():
    curve = curve_of([True, False, False, True], [0.5] * 4)
    assert (curve.roc_area, curve.average_precision) == (0.5, 0.5)
    assert len(curve.thresholds) == 2


@pytest.mark.parametrize(
    ("is_positive", "scores", "words"),
    [
        ([True, True], [0.1, 0.2], "2 of 2 examples are positive"),
        ([False, False], [0.1, 0.2], "0 of 2 examples are positive"),
        ([True, False], [0.1, np.nan], "NaN"),
        ([True, False], [0.1], "give each one score"),
        ([], [], "0 of 0"),
    ],
)
def test_what_has_no_curve_is_refused(is_positive, scores, words):
    with pytest.raises(ValueError, match=words):
        curve_of(is_positive, scores)


def test_each_class_against_the_others_equals_scikit_learns_means():
    labels, probabilities = softmax(1, 300, 5)
    curves = class_curves(labels, probabilities)
    normalized = probabilities.astype(np.float64) / probabilities.sum(axis=1, dtype=np.float64, keepdims=True)
    expected = metrics.roc_auc_score(labels, normalized, multi_class="ovr", average="macro")
    assert np.mean([curve.roc_area for curve in curves]) == pytest.approx(expected, abs=1e-6)
    for label, curve in enumerate(curves):
        assert curve.roc_area == pytest.approx(metrics.roc_auc_score(labels == label, probabilities[:, label]))


def test_a_class_without_examples_has_no_curve():
    labels, probabilities = np.array([0, 0, 2]), softmax(2, 3, 4)[1]
    assert [curve is None for curve in class_curves(labels, probabilities)] == [False, True, False, True]
    assert class_curves(np.array([1, 1]), probabilities[:2]) == [None] * 4


@pytest.mark.parametrize("k", [1, 2, 5])
def test_top_k_equals_scikit_learns(k):
    labels, probabilities = softmax(3, 200, 5)
    expected = metrics.top_k_accuracy_score(labels, probabilities, k=k) if k < 5 else 1.0
    assert top_k_accuracy(labels, probabilities, k) == pytest.approx(expected)
    assert top_k_accuracy(labels, probabilities, 1) == (probabilities.argmax(axis=1) == labels).mean()


def test_of_ties_the_first_classes_are_the_likeliest():
    labels = np.array([0, 1, 2])
    assert top_k_accuracy(labels, np.full((3, 3), 1 / 3), 2) == pytest.approx(2 / 3)
    for k in (0, 4):
        with pytest.raises(ValueError, match="of 3 classes"):
            top_k_accuracy(labels, np.eye(3), k)
