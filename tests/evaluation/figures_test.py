"""The figures of a judged split against scikit-learn."""

import json

import numpy as np
import pytest
from sklearn import metrics

from evaluation.figures import all_figures, ranking_and_calibration, split_figures
from tests.evaluation.curves_test import softmax


@pytest.mark.parametrize("classes", [2, 7])
def test_they_are_means_over_classes_as_scikit_learn_has_them(classes):
    labels, probabilities = softmax(11, 300, classes)
    figures = ranking_and_calibration(labels, probabilities)
    one_hot = np.eye(classes)[labels]
    assert figures["roc_area"] == pytest.approx(metrics.roc_auc_score(one_hot, probabilities, average="macro"))
    assert figures["average_precision"] == pytest.approx(metrics.average_precision_score(one_hot, probabilities))
    assert figures["brier_score"] == pytest.approx(((probabilities - one_hot) ** 2).sum(axis=1).mean())
    assert 0 < figures["calibration_error"] < 1
    assert ("top_5_accuracy" in figures) == (classes > 5)
    if classes > 5:
        assert figures["top_5_accuracy"] == metrics.top_k_accuracy_score(labels, probabilities, k=5)
    assert json.loads(json.dumps(figures)) == figures


def test_a_split_of_one_class_has_no_ranking():
    labels, probabilities = np.array([1, 1]), softmax(12, 2, 3)[1]
    figures = ranking_and_calibration(labels, probabilities)
    assert (figures["roc_area"], figures["average_precision"]) == (None, None)
    assert figures["brier_score"] > 0
    absent = ranking_and_calibration(np.array([0, 1, 1]), softmax(13, 3, 3)[1])
    assert 0 <= absent["roc_area"] <= 1


def test_all_figures_are_those_of_a_split_and_of_its_ranking():
    labels, probabilities = softmax(14, 80, 3)
    names = ["a", "b", "c"]
    answers = (probabilities.argmax(axis=1) + (np.arange(80) % 4 == 0)) % 3  # a threshold's may be others
    figures = all_figures(labels, probabilities, names, answers)
    assert figures == split_figures(labels, probabilities, names, answers) | ranking_and_calibration(
        labels, probabilities
    )
    assert figures["accuracy"] == (answers == labels).mean() != (probabilities.argmax(axis=1) == labels).mean()
    recalls = metrics.recall_score(labels, answers, average=None)
    assert figures["balanced_accuracy"] == pytest.approx(recalls.mean())
    assert figures["worst_class"]["name"] == names[recalls.argmin()]
