"""Confident learning against a slow reading of its paper, and planted wrong labels that it must find."""

import numpy as np
import pytest
from sklearn.datasets import load_digits, make_classification
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import StratifiedKFold, cross_val_predict
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from evaluation.label_issues import (
    CONFIDENT,
    CONTRADICTED,
    LIKELIER,
    class_thresholds,
    confident_classes,
    contradictions,
    find_label_issues,
)
from tests.evaluation.curves_test import softmax


def slow_counts(labels, probabilities) -> list[int]:
    """Formulas (1) and (2) of the paper, an example and a class at a time."""
    classes, thresholds = range(probabilities.shape[1]), {}
    for name in classes:
        own = [float(row[name]) for row, label in zip(probabilities, labels, strict=True) if label == name]
        if own:
            thresholds[name] = sum(own) / len(own)
    counted = []
    for row in probabilities:
        best, best_probability = -1, -1.0
        for name in classes:
            if name in thresholds and row[name] >= thresholds[name] - 1e-9 and row[name] > best_probability:
                best, best_probability = name, float(row[name])
        counted.append(best)
    return counted


def imbalanced(seed: int, count: int, classes: int) -> tuple[np.ndarray, np.ndarray]:
    """A softmax of labels of which most are of the first classes, and some classes have one example or none."""
    labels, probabilities = softmax(seed, count, classes)
    squeezed = (labels**3 // classes**2).astype(labels.dtype)
    return squeezed, probabilities


@pytest.mark.parametrize(("classes", "count"), [(2, 80), (3, 150), (43, 400), (1000, 300)])
@pytest.mark.parametrize("make", [softmax, imbalanced])
def test_what_an_example_counts_for_is_what_the_paper_says(make, classes, count):
    labels, probabilities = make(classes, count, classes)
    expected = slow_counts(labels, probabilities)
    assert confident_classes(labels, probabilities).tolist() == expected
    assert len(set(expected)) > 1  # so that the comparison says something
    sure = {row for row, name in enumerate(expected)
            if name >= 0 and probabilities[row, name] > probabilities[row, labels[row]]}  # fmt: skip
    found = find_label_issues(labels, probabilities)
    assert {issue.row: issue.suggestion for issue in found if issue.reason == CONFIDENT} == {
        row: expected[row] for row in sure
    }
    wrong = set(np.flatnonzero(probabilities.argmax(axis=1) != labels).tolist())
    assert {issue.row for issue in found} == wrong
    assert all(issue.suggestion != labels[issue.row] for issue in found)


def test_the_order_is_by_reason_and_then_by_the_probability_of_the_label():
    labels, probabilities = softmax(5, 300, 4)
    found = find_label_issues(labels, probabilities, {7: (0, 2), 100: (1,)})
    reasons = [issue.reason for issue in found]
    assert reasons == sorted(reasons, key=[CONTRADICTED, CONFIDENT, LIKELIER].index)
    assert set(reasons) == {CONTRADICTED, CONFIDENT, LIKELIER}
    for reason in set(reasons):
        own = [probabilities[one.row, labels[one.row]] for one in found if one.reason == reason]
        assert own == sorted(own)
    assert len({issue.row for issue in found}) == len(found)


@pytest.mark.parametrize("seed", range(3))
def test_most_planted_wrong_labels_are_found(seed):
    """5 of 100 digits, which are real pictures, get another label: of these 90, the first 90 of the list hold 78 or
    more and the first 180 hold 85 or more; those that it is sure of are nearly all wrong."""
    pixels, labels = load_digits(return_X_y=True)
    planted, noisy = plant(labels, 10, seed)
    probabilities = out_of_fold(pixels, noisy, seed)
    found = find_label_issues(noisy, probabilities)
    hits = [issue.row in planted for issue in found]
    assert len(planted) == 90
    assert sum(hits[:90]) >= 78
    assert sum(hits[:180]) >= 85
    sure = [issue for issue in found if issue.reason == CONFIDENT]
    assert sum(issue.row in planted for issue in sure) > 0.9 * len(sure) > 50
    meant = [issue.suggestion == labels[issue.row] for issue in found if issue.row in planted]
    assert np.mean(meant) > 0.9


@pytest.mark.parametrize("classes", [2, 43])
def test_they_are_found_among_few_and_among_many_classes(classes):
    features, labels = make_classification(
        40 * classes if classes > 2 else 600, 30, n_informative=20, n_redundant=5, n_classes=classes,
        n_clusters_per_class=1, class_sep=2.5 if classes > 2 else 1.2, random_state=1, flip_y=0,
    )  # fmt: skip
    planted, noisy = plant(labels, classes, 4)
    probabilities = out_of_fold(features, noisy, 4)
    hits = [issue.row in planted for issue in find_label_issues(noisy, probabilities)]
    assert sum(hits[: len(planted)]) >= 0.7 * len(planted)
    assert sum(hits[: 2 * len(planted)]) >= 0.85 * len(planted)


def plant(labels: np.ndarray, classes: int, seed: int) -> tuple[set[int], np.ndarray]:
    """(the rows whose labels are wrong now, 5 in 100, any other class as likely; all labels)."""
    generator = np.random.default_rng(seed)
    rows = generator.choice(len(labels), round(0.05 * len(labels)), replace=False)
    noisy = labels.copy()
    noisy[rows] = (labels[rows] + generator.integers(1, classes, len(rows))) % classes
    return set(rows.tolist()), noisy


def out_of_fold(features, labels, seed) -> np.ndarray:
    head = make_pipeline(StandardScaler(), LogisticRegression(C=0.03, max_iter=200))
    folds = StratifiedKFold(5, shuffle=True, random_state=seed)
    return cross_val_predict(head, features, labels, cv=folds, method="predict_proba")


def test_a_class_that_is_hard_is_not_suspected_as_a_whole():
    # Of class 1 the model is never surer than 0.6, of class 0 always: 0.55 for 0 says nothing, 0.97 does.
    labels = np.array([0] * 10 + [1] * 10)
    ones = np.array([0.05] * 10 + [0.55] * 4 + [0.6] * 4 + [0.45, 0.03])
    found = find_label_issues(labels, np.stack([1 - ones, ones], axis=1))
    assert [(issue.row, issue.suggestion, issue.reason) for issue in found] == [(19, 0, CONFIDENT), (18, 0, LIKELIER)]


def test_a_class_without_examples_is_never_counted_for_and_one_with_one_is_no_magnet():
    labels = np.array([0, 0, 0, 0, 2])
    probabilities = np.array([[0.9, 0.05, 0.05], [0.8, 0.15, 0.05], [0.3, 0.69, 0.01], [0.5, 0.45, 0.05],
                              [0.48, 0.5, 0.02]])  # fmt: skip
    assert np.isinf(class_thresholds(labels, probabilities)).tolist() == [False, True, False]
    # Row 3 is below the threshold of its class and above the 0.02 of the other: it counts for that, and is no issue.
    assert confident_classes(labels, probabilities).tolist() == [0, 0, -1, 2, 2]
    found = find_label_issues(labels, probabilities)
    assert [(issue.row, issue.suggestion, issue.reason) for issue in found] == [(4, 1, LIKELIER), (2, 1, LIKELIER)]


def test_equal_probabilities_are_at_their_own_threshold():
    labels, probabilities = np.zeros(3, int), np.tile([0.1, 0.9], (3, 1))  # whose sum, divided by 3, is above 0.1
    assert confident_classes(labels, probabilities).tolist() == [0, 0, 0]


def test_labels_that_the_model_agrees_with_are_no_issue():
    labels = np.arange(3)
    assert find_label_issues(labels, np.eye(3)) == []
    assert find_label_issues(labels, np.full((3, 3), 1 / 3)) == []  # of equals none is likelier


def test_the_same_bytes_under_other_labels_are_always_issues():
    contents = np.array([5, 5, 7, 8, 8, 5, 9])
    labels = np.array([0, 1, 0, 2, 2, 3, 1])
    rivals = contradictions(contents, labels)
    assert rivals == {0: (1, 3), 1: (0, 3), 5: (0, 1)}
    probabilities = np.eye(4)[labels] * 0.94 + 0.015
    probabilities[[0, 1, 5]] = [0.7, 0.1, 0.0, 0.2]
    found = find_label_issues(labels, probabilities, rivals)
    assert [(one.row, one.suggestion) for one in found] == [(1, 0), (5, 0), (0, 3)]
    assert {one.reason for one in found} == {CONTRADICTED}


def test_no_bytes_twice_is_no_contradiction():
    assert contradictions(np.arange(4), np.zeros(4, int)) == {}
    assert contradictions(np.zeros(4, int), np.zeros(4, int)) == {}
    assert contradictions(np.zeros(0, int), np.zeros(0, int)) == {}
