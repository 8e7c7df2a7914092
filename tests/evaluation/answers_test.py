"""Figures of answers, whatever they come from: mistakes by how sure they were, and the interval of F1."""

import numpy as np
import pytest

from evaluation import metrics
from tests.evaluation.metrics_test import random_predictions


def test_worst_mistakes_are_wrong_and_most_confident_first():
    labels, probabilities = random_predictions(4)
    answers = probabilities.argmax(axis=1)
    rows = metrics.worst_mistakes(labels, probabilities, answers, 1000)
    confidence = probabilities.max(axis=1)
    expected = sorted(np.flatnonzero(answers != labels), key=lambda row: (-confidence[row], row))
    assert rows.tolist() == expected
    assert metrics.worst_mistakes(labels, probabilities, answers, 3).tolist() == expected[:3]


def test_worst_mistakes_break_ties_by_row():
    probabilities = np.array([[0.2, 0.8], [0.9, 0.1], [0.2, 0.8], [0.2, 0.8]])
    answers = probabilities.argmax(axis=1)
    assert metrics.worst_mistakes([0, 1, 1, 0], probabilities, answers, 5).tolist() == [1, 0, 3]
    assert metrics.worst_mistakes([1, 0, 1, 1], probabilities, answers, 5).tolist() == []


def test_a_mistake_of_a_threshold_counts_by_what_its_answer_has():
    probabilities = np.array([[0.6, 0.4], [0.9, 0.1], [0.7, 0.3], [0.2, 0.8]])
    answers = np.array([1, 0, 1, 1])  # class 1 from 0.3 on
    assert metrics.worst_mistakes([0, 1, 0, 0], probabilities, answers, 5).tolist() == [1, 3, 0, 2]
    assert metrics.scores([0, 1, 0, 1], probabilities, answers)["accuracy"] == 0.25
    assert metrics.scores([0, 1, 0, 1], probabilities)["accuracy"] == 0.75


@pytest.mark.parametrize(("examples", "share", "accuracy"), [(40, 0.5, 0.9), (200, 0.1, 0.95), (100, 0.3, 0.6)])
def test_the_interval_of_f1_holds_what_it_is_about_nineteen_times_in_twenty(examples, share, accuracy):
    # Of a binary model that is right with `accuracy` in either class, whose f1 over endless examples is known.
    generator = np.random.default_rng(1)
    positives, called = share * accuracy, share * accuracy + (1 - share) * (1 - accuracy)
    true = 2 * positives / (share + called)
    held = []
    for _ in range(2000):
        labels = generator.random(examples) < share
        answers = labels ^ (generator.random(examples) >= accuracy)
        figures = metrics.class_figures(metrics.confusion_matrix(labels.astype(int), answers.astype(int), 2))[1]
        low, high = figures.f1_interval or (0.0, 1.0)
        assert low <= (figures.f1 or 0.0) <= high
        held.append(low <= true <= high)
    assert 0.92 < np.mean(held) < 0.985
