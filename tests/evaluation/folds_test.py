"""A cross-validation's figures, against scikit-learn, the definitions and a count by hand."""

import json

import numpy as np
import pytest
from sklearn.metrics import accuracy_score, log_loss

from evaluation.folds import NOTE, fold_figures, fold_lines, out_of_fold_figures
from evaluation.metrics import scores, wilson_interval
from records.tables import PredictionRow

NAMES = ("cat", "dog", "fox")


def rows_of(count: int, seed: int, first: int = 0) -> list[PredictionRow]:
    """Predictions of `count` examples, the likelier class answered."""
    generator = np.random.default_rng(seed)
    probabilities = generator.dirichlet(np.ones(3), count).astype(np.float32)
    labels = np.where(generator.random(count) < 0.6, probabilities.argmax(axis=1), generator.integers(0, 3, count))
    return [PredictionRow(f"{first + row}.jpg", NAMES[labels[row]], NAMES[probabilities[row].argmax()],
                          probabilities[row]) for row in range(count)]  # fmt: skip


def scores_of(rows) -> dict:
    return scores(np.array([NAMES.index(row.label) for row in rows]), np.stack([row.probabilities for row in rows]))


FOLDS = [rows_of(size, seed, 1000 * seed) for seed, size in enumerate((31, 30, 30, 29))]
TOGETHER = [row for rows in FOLDS for row in rows]


def test_the_folds_have_a_mean_and_the_deviation_of_a_sample():
    figures = fold_figures([scores_of(rows) for rows in FOLDS])
    accuracies = [np.mean([row.label == row.prediction for row in rows]) for rows in FOLDS]
    assert [one["accuracy"] for one in figures["folds"]] == pytest.approx(accuracies)
    assert figures["accuracy_mean"] == pytest.approx(sum(accuracies) / 4)
    squares = sum((one - sum(accuracies) / 4) ** 2 for one in accuracies)
    assert figures["accuracy_standard_deviation"] == pytest.approx((squares / 3) ** 0.5)
    losses = [one["loss"] for one in figures["folds"]]
    assert figures["loss_mean"] == pytest.approx(np.mean(losses))
    assert [one["examples"] for one in figures["folds"]] == [31, 30, 30, 29]
    assert json.loads(json.dumps(figures, allow_nan=False)) == figures


def test_all_predictions_together_are_scikit_learns_and_have_wilsons_interval():
    figures = out_of_fold_figures(TOGETHER, NAMES)
    labels, predictions = [row.label for row in TOGETHER], [row.prediction for row in TOGETHER]
    assert figures["examples"] == 120
    assert figures["accuracy"] == pytest.approx(accuracy_score(labels, predictions))
    right = sum(label == prediction for label, prediction in zip(labels, predictions, strict=True))
    assert figures["accuracy_interval"] == pytest.approx(list(wilson_interval(right, 120)))
    probabilities = np.stack([row.probabilities for row in TOGETHER]).astype(np.float64)
    probabilities /= probabilities.sum(axis=1, keepdims=True)
    assert figures["loss"] == pytest.approx(log_loss(labels, probabilities, labels=NAMES), rel=1e-5)


def test_the_answers_are_those_of_the_tables_not_the_likeliest():
    # A threshold of the run's own may have answered otherwise.
    rows = [PredictionRow(f"{one}.jpg", "cat", "cat", np.array([0.4, 0.6, 0.0], np.float32)) for one in range(4)]
    assert out_of_fold_figures([*rows, rows_of(1, 1, 9)[0]], NAMES)["accuracy"] >= 0.8


@pytest.mark.parametrize(
    ("rows", "words"),
    [
        ([*FOLDS[0], *FOLDS[1], FOLDS[0][3]], "62 predictions of 61 examples"),
        ([*FOLDS[0], PredictionRow("x.jpg", "cat", "cat", np.array([0.5, 0.5], np.float32))], "the 3 classes"),
    ],
)
def test_what_is_not_one_cross_validation_is_refused(rows, words):
    with pytest.raises(ValueError, match=words):
        out_of_fold_figures(rows, NAMES)


def test_the_lines_say_each_fold_the_mean_all_pictures_and_how_far_to_trust_them():
    figures = fold_figures([scores_of(rows) for rows in FOLDS]) | {"out_of_fold": out_of_fold_figures(TOGETHER, NAMES)}
    lines = fold_lines(figures)
    low, high = figures["folds"][2]["accuracy_interval"]
    assert lines[3] == f"fold 3: accuracy {figures['folds'][2]['accuracy']:.4f} ({low:.4f} to {high:.4f}), 30 pictures"
    assert lines[0] == (
        f"mean of 4: accuracy {figures['accuracy_mean']:.4f}, standard deviation "
        f"{figures['accuracy_standard_deviation']:.4f}"
    )
    assert lines[5].startswith("all 120 pictures, each predicted by the run that did not train on it: accuracy ")
    assert lines[6] == f"note: {NOTE}"
    assert "not independent" in NOTE
    assert "Bengio & Grandvalet 2004" in NOTE
