"""Scores against brute force, published intervals and their own identities."""

import ast
import dataclasses
import json
import math
from pathlib import Path

import numpy as np
import pytest
from scipy import stats

from evaluation import metrics


def random_predictions(seed: int, examples: int = 200, classes: int = 5) -> tuple[np.ndarray, np.ndarray]:
    """Labels that leave the last class out, and probabilities that are right more often than not."""
    generator = np.random.default_rng(seed)
    labels = generator.integers(0, classes - 1, examples)
    logits = generator.normal(size=(examples, classes)) + 1.5 * np.eye(classes)[labels]
    powers = np.exp(logits)
    return labels, (powers / powers.sum(axis=1, keepdims=True)).astype(np.float32)


@pytest.mark.parametrize("seed", range(5))
def test_confusion_matrix_equals_a_count_by_hand(seed):
    labels, probabilities = random_predictions(seed)
    predictions = probabilities.argmax(axis=1)
    confusion = metrics.confusion_matrix(labels, predictions, 5)
    assert confusion.dtype == np.int64
    for true in range(5):
        for predicted in range(5):
            by_hand = sum(1 for pair in zip(labels, predictions, strict=True) if pair == (true, predicted))
            assert confusion[true, predicted] == by_hand
    assert confusion.sum() == len(labels)


def test_confusion_matrix_of_narrow_integers_does_not_overflow():
    labels = np.array([42, 41], np.uint8)
    confusion = metrics.confusion_matrix(labels, labels, 43)
    assert confusion[42, 42] == confusion[41, 41] == 1


def test_confusion_matrix_of_nothing_is_zero():
    assert np.array_equal(metrics.confusion_matrix([], [], 3), np.zeros((3, 3), np.int64))


@pytest.mark.parametrize(
    ("labels", "predictions", "message"),
    [
        ([0, -1], [0, 0], r"labels holds -1: class numbers go from 0 to 2"),
        ([0, 1], [0, 3], r"predictions holds 3: class numbers go from 0 to 2"),
        ([0, 1], [0], r"2 labels but 1 predictions"),
        ([0.0, 1.0], [0, 1], r"labels is float64: give integers"),
        ([[0], [1]], [0, 1], r"labels has shape \(2, 1\)"),
    ],
)
def test_confusion_matrix_refuses_what_is_no_class(labels, predictions, message):
    with pytest.raises(ValueError, match=message):
        metrics.confusion_matrix(labels, predictions, 3)


@pytest.mark.parametrize("seed", range(5))
def test_class_figures_equal_a_count_by_hand(seed):
    labels, probabilities = random_predictions(seed)
    predictions = probabilities.argmax(axis=1)
    figures = metrics.class_figures(metrics.confusion_matrix(labels, predictions, 5))
    for number, figure in enumerate(figures[:4]):
        right = np.sum((labels == number) & (predictions == number))
        assert figure.support == np.sum(labels == number)
        assert figure.predicted == np.sum(predictions == number)
        assert figure.precision == pytest.approx(right / figure.predicted)
        assert figure.recall == pytest.approx(right / figure.support)
        harmonic = 2 * figure.precision * figure.recall / (figure.precision + figure.recall)
        assert figure.f1 == pytest.approx(harmonic)
        assert figure.recall_interval == metrics.wilson_interval(right, figure.support)
        assert figure.precision_interval == metrics.wilson_interval(right, figure.predicted)


def test_class_figures_are_none_where_there_is_nothing_to_divide_by():
    # Class 1 has no example, class 2 was never predicted, class 3 has neither.
    figures = metrics.class_figures([[5, 1, 0, 0], [0, 0, 0, 0], [2, 0, 0, 0], [0, 0, 0, 0]])
    assert figures[1].recall is None
    assert figures[1].recall_interval is None
    assert figures[1].precision == 0.0
    assert figures[2].precision is None
    assert figures[2].recall == 0.0
    assert figures[2].f1 == 0.0
    assert figures[3].f1 is None
    assert figures[3].f1_interval is None
    assert figures[2].f1_interval[0] == 0.0
    assert 0.3 < figures[2].f1_interval[1] < 1.0
    for figure in figures:
        json.dumps(dataclasses.asdict(figure), allow_nan=False)


def test_class_figures_can_not_be_changed():
    with pytest.raises(dataclasses.FrozenInstanceError):
        metrics.class_figures([[1]])[0].support = 2


def test_balanced_accuracy_weighs_classes_and_not_examples():
    # Always saying class 0 is 90% accurate and 50% balanced; the class without examples does not count.
    assert metrics.balanced_accuracy([[90, 0, 0], [10, 0, 0], [0, 0, 0]]) == 0.5
    assert metrics.balanced_accuracy(np.zeros((2, 2), int)) is None


def test_confusion_pairs_come_most_frequent_first_with_ties_in_class_order():
    confusion = [[50, 3, 0], [7, 60, 3], [3, 0, 70]]
    pairs = [(pair.true, pair.predicted, pair.examples) for pair in metrics.confusion_pairs(confusion, 10)]
    assert pairs == [(1, 0, 7), (0, 1, 3), (1, 2, 3), (2, 0, 3)]
    assert len(metrics.confusion_pairs(confusion, 2)) == 2
    assert metrics.confusion_pairs(np.diag([4, 5]), 10) == []


@pytest.mark.parametrize(
    ("successes", "trials", "low", "high"),
    [
        (8, 10, 0.490, 0.943),
        # Newcombe, Statistics in Medicine 17 (1998), 857-872, table I, method 3.
        (81, 263, 0.2553, 0.3662),
        (15, 148, 0.0624, 0.1605),
        (0, 20, 0.0000, 0.1611),
        (1, 29, 0.0061, 0.1718),
    ],
)
def test_wilson_interval_equals_published_values(successes, trials, low, high):
    last_digit = 6e-4 if trials == 10 else 6e-5
    assert metrics.wilson_interval(successes, trials) == pytest.approx((low, high), abs=last_digit)


@pytest.mark.parametrize("trials", [1, 2, 17, 400])
def test_wilson_interval_equals_scipy_and_holds_the_rate(trials):
    z = stats.norm.ppf(0.975)
    for successes in range(trials + 1):
        low, high = metrics.wilson_interval(successes, trials, z)
        expected = stats.binomtest(successes, trials).proportion_ci(0.95, method="wilson")
        assert (low, high) == pytest.approx((expected.low, expected.high), abs=1e-12)
        assert 0.0 <= low <= successes / trials <= high <= 1.0


def test_wilson_interval_at_its_edges():
    assert metrics.wilson_interval(0, 0) == (0.0, 1.0)
    assert metrics.wilson_interval(0, 7)[0] == 0.0
    assert metrics.wilson_interval(7, 7)[1] == 1.0
    with pytest.raises(ValueError, match="8 successes in 7 trials"):
        metrics.wilson_interval(8, 7)


def test_mean_interval_equals_the_normal_interval():
    losses = np.random.default_rng(1).gamma(2.0, size=300)
    expected = stats.norm.interval(0.95, loc=losses.mean(), scale=stats.sem(losses))
    assert metrics.mean_interval(losses) == pytest.approx(expected, rel=1e-4)


def test_mean_interval_never_goes_below_zero_and_needs_two_losses():
    low, high = metrics.mean_interval([0.0, 0.0, 0.0, 16.0])
    assert low == 0.0
    assert high > 4.0
    assert metrics.mean_interval([0.3]) is None


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("seed", range(3))
def test_scores_equal_brute_force(seed, dtype):
    labels, probabilities = random_predictions(seed)
    result = metrics.scores(labels, probabilities.astype(dtype))
    right, losses = 0, []
    for label, row in zip(labels, probabilities, strict=True):
        right += int(max(range(5), key=lambda number: row[number]) == label)
        losses.append(-math.log(max(float(row[label]), 1e-7)))
    assert result["examples"] == 200
    assert result["accuracy"] == right / 200
    assert result["loss"] == pytest.approx(math.fsum(losses) / 200, rel=1e-12)
    assert result["accuracy_interval"] == list(metrics.wilson_interval(right, 200))
    assert result["loss_interval"] == list(metrics.mean_interval(np.array(losses)))
    assert set(result) == {"accuracy", "accuracy_interval", "loss", "loss_interval", "examples"}
    json.dumps(result, allow_nan=False)


def test_accuracy_is_the_trace_of_the_confusion_matrix():
    labels, probabilities = random_predictions(9)
    confusion = metrics.confusion_matrix(labels, probabilities.argmax(axis=1), 5)
    assert metrics.scores(labels, probabilities)["accuracy"] == np.trace(confusion) / confusion.sum()


def test_scores_of_many_equal_the_weighted_scores_of_parts():
    # What a mean of batch means gets wrong: the parts differ in size.
    labels, probabilities = random_predictions(3, examples=130)
    parts = [metrics.scores(labels[part], probabilities[part]) for part in (slice(0, 128), slice(128, 130))]
    whole = metrics.scores(labels, probabilities)
    assert whole["loss"] == pytest.approx(sum(part["loss"] * part["examples"] for part in parts) / 130)


def test_scores_clip_a_sure_mistake():
    result = metrics.scores([0], np.array([[0.0, 1.0]], np.float32))
    assert result["loss"] == pytest.approx(-math.log(1e-7))
    assert result["loss_interval"] is None


@pytest.mark.parametrize(
    ("labels", "probabilities", "message"),
    [
        ([], np.zeros((0, 2)), "0 examples have no score"),
        ([0, 1], [[0.5, 0.5]], r"probabilities has shape \(1, 2\)"),
        ([0], [[np.nan, 0.5]], "not in"),
        ([0], [[3.0, -2.0]], "not in"),
        ([2], [[0.5, 0.5]], "labels holds 2"),
    ],
)
def test_scores_refuse_what_is_no_probability(labels, probabilities, message):
    with pytest.raises(ValueError, match=message):
        metrics.scores(labels, probabilities)


def test_metrics_need_numpy_alone():
    tree = ast.parse(Path(metrics.__file__).read_text())
    imported = {alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names}
    assert imported == {"dataclasses", "math", "numpy"}
    froms = {node.module for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
    assert froms == {"collections.abc"}
