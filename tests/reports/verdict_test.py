"""Each sentence of a verdict is said where its interval or test stands behind it, and not elsewhere."""

import numpy as np
import pytest

from evaluation.metrics import wilson_interval
from evaluation.slices import WORSE
from records.tables import SliceRow
from reports import verdict as rules
from reports.evidence import Evidence
from reports.verdict import verdict
from tests.helpers.evidence import evidence_of, history_of_losses, scored

FALLING = [1.0 / epoch for epoch in range(1, 16)]
NOTHING = Evidence(scored="test", figures={}, predicted=None)


def test_of_nothing_nothing_is_said():
    assert verdict(NOTHING) == []
    assert [rule(NOTHING) for rule in rules.RULES] == [""] * len(rules.RULES)


def test_what_it_reaches_is_said_with_its_interval():
    assert rules.reaches(evidence_of()) == (
        "180 of 200 test pictures are right: an accuracy of 90.0%, with a 95% interval from 85.1% to 93.4%."
    )
    assert rules.reaches(evidence_of([[1, 0], [0, 0]])).startswith("1 of 1 test picture is right:")
    without_test = Evidence(scored="test", figures={"train": scored(9, 10), "validation": scored(3, 4)}, predicted=None)
    assert rules.reaches(without_test).startswith("3 of 4 validation pictures are right")


@pytest.mark.parametrize(
    ("confusion", "words"),
    [
        ([[60, 40], [20, 80]], "That is better than always saying “class 0”, which would be right on 50.0%."),
        ([[61, 39], [40, 60]], "That is better than"),  # 60 against 39: 2.1 standard deviations
        ([[60, 40], [45, 55]], "It is not shown to be better than"),  # 55 against 40: 1.5
        ([[50, 50], [49, 51]], "It is not shown to be better than always saying “class 0”"),
        ([[90, 0], [10, 0]], "It is not shown to be better than always saying “class 0”, which would be right on 90"),
        ([[30, 60], [5, 5]], "That is worse than always saying “class 0”, which would be right on 90.0%."),
        ([[9, 1], [0, 0]], ""),  # of one class alone: the constant answer is always right
    ],
)  # fmt: skip
def test_it_is_compared_with_always_saying_the_largest_class(confusion, words):
    assert rules.beats_largest_class(evidence_of(confusion)).startswith(words)
    assert bool(rules.beats_largest_class(evidence_of(confusion))) == bool(words)


def test_copies_are_said_where_there_are_some():
    assert rules.copies(evidence_of(copies=1)).startswith("1 file has the same bytes as a file of another split")
    assert rules.copies(evidence_of(copies=2)).startswith("2 files have")
    assert rules.copies(evidence_of()) == ""


def test_few_examples_are_said_with_how_many_would_do():
    words = rules.too_few_examples(evidence_of([[18, 2], [2, 18]]))
    assert "40 test pictures are too few to know it well: the interval is 19.1 points wide" in words
    assert rules.too_few_examples(evidence_of([[180, 20], [20, 180]])) == ""


@pytest.mark.parametrize("accuracy", [0.0, 0.5, 0.9, 1.0])
def test_as_many_as_are_said_do_and_fewer_do_not(accuracy):
    count = rules.enough(accuracy)
    for n, does in ((count, True), (count - 1, False)):
        low, high = wilson_interval(round(accuracy * n), n)
        assert (high - low <= rules.WIDE) == does


def test_classes_with_few_examples_or_none():
    words = rules.little_tested(evidence_of([[20, 0, 0], [0, 3, 0], [0, 0, 0]]))
    assert words == (
        "1 of 3 classes has no test picture: nothing is known of it; 1 of 3 classes has fewer than 10 test pictures, "
        "too few for figures of their own."
    )
    assert rules.little_tested(evidence_of()) == ""


def test_a_class_is_called_weak_where_chance_does_not_explain_it():
    words = rules.weak_classes(evidence_of([[95, 5, 0], [0, 100, 0], [0, 20, 30]]))
    assert words == "Found less often than the average: “class 2” (60.0%, 46.2% to 72.4%)."
    # Two of three right are fewer than 97 of 100, and yet no wonder.
    assert rules.weak_classes(evidence_of([[97, 3, 0], [0, 97, 3], [0, 1, 2]])) == ""


def test_only_the_worst_of_many_weak_classes_are_named():
    confusion = np.diag([100] * 4 + [10] * 5)
    confusion[4:, 0] = [20, 21, 22, 23, 24]
    words = rules.weak_classes(evidence_of(confusion))
    assert words.index("class 8") < words.index("class 7") < words.index("class 6")
    assert words.endswith(" and 2 more.")


def test_small_classes_do_worse_only_where_the_gap_is_more_than_chance():
    confusion = [[95, 5, 0, 0], [5, 95, 0, 0], [8, 0, 12, 0], [0, 8, 0, 12]]
    words = rules.small_classes(evidence_of(confusion, train_counts=[500, 400, 50, 40]))
    assert words.startswith(
        "Classes with few training pictures do worse: of the 2 with at most 50, 60.0% are right, of the others 95.0%, "
        "a gap of 35.0 points (95% interval "
    )
    for same in ({"train_counts": [50, 40, 50, 40]}, {"train_counts": [40, 50, 500, 400]}, {}):
        assert rules.small_classes(evidence_of(confusion, **same)) == ""


def test_slices_that_are_worse_are_named_the_worst_first():
    def row(name: str, accuracy: float, verdict: str) -> SliceRow:
        return SliceRow("brightness", name, "50", "9", str(accuracy), "0.25", "0.75", "0.2", "0.8", verdict)

    rows = [row("dark", 0.5, WORSE), row("pale", 0.9, "no difference shown"), row("darkest", 0.4, WORSE)]
    assert rules.worse_slices(evidence_of(slices=rows)) == (
        "Worse than the whole where pictures are alike: brightness “darkest” (40.0%, 25.0% to 75.0%), "
        "brightness “dark” (50.0%, 25.0% to 75.0%)."
    )
    assert rules.worse_slices(evidence_of(slices=rows[1:2])) == ""
    many = [row(f"{n}", n / 10, WORSE) for n in range(5)]
    assert rules.worse_slices(evidence_of(slices=many)).endswith(" and 2 more slices.")


@pytest.mark.parametrize(
    ("confusion", "words"),
    [
        ([[90, 10], [4, 96]], "The most frequent mistake takes “class 0” for “class 1”: 10 of 100 pictures, 10.0% "
                              "(5.5% to 17.4%)."),
        ([[90, 10], [10, 90]], "One of the most frequent mistakes takes “class 0” for “class 1”: 10 of 100"),
        ([[99, 1], [0, 100]], "No mistake was made twice"),
        ([[99, 0], [0, 100]], ""),
    ],
)  # fmt: skip
def test_what_it_confuses_most(confusion, words):
    assert rules.confuses_most(evidence_of(confusion)).startswith(words)
    assert bool(rules.confuses_most(evidence_of(confusion))) == bool(words)


@pytest.mark.parametrize(
    ("train", "validation", "words"),
    [
        ((990, 1000), (80, 100), "It overfits: 99.0% of train and 80.0% of validation are right, a gap of 19.0 points"),
        ((990, 1000), (186, 200), "It overfits a little: 99.0% of train and 93.0% of validation"),
        ((95, 100), (93, 100), "No overfitting shows: 95.0% of train and 93.0% of validation are right, a gap of 2.0 "
                               "points (95% interval -"),
        ((90, 100), (95, 100), "No overfitting shows: "),
    ],
)  # fmt: skip
def test_overfitting_is_a_gap_that_chance_does_not_explain(train, validation, words):
    figures = {"train": scored(*train), "validation": scored(*validation)}
    assert rules.overfits(evidence_of(figures=figures)).startswith(words)


def test_without_validation_train_is_compared_with_test():
    assert "of train and 90.0% of test" in rules.overfits(evidence_of(figures={"train": scored(99, 100)}))
    assert rules.overfits(evidence_of()) == ""


@pytest.mark.parametrize(
    ("losses", "words"),
    [
        (FALLING, "It still improved at the end: the validation loss fell over the last 5 epochs, from 0.087 to 0.069"),
        ([0.2, *FALLING[::-1]], "It got worse at the end: the validation loss rose over the last 6 epochs"),
        ([1.0, 0.5, 0.3, *[0.2, 0.21, 0.19] * 4], "At the end the validation loss neither fell nor rose clearly"),
        # It falls all the time, by a thousandth.
        ([1.0] * 10 + [0.2 - 0.00001 * n for n in range(5)], "At the end the validation loss neither fell nor rose"),
        ([1.0, 0.5], "2 epochs are too few to tell whether it still improves."),
        ([1.0], "1 epoch is too few"),
        ([1.0] * 9 + [float("nan")], ""),
        ([], ""),
        ([None] * 9, ""),
    ],
)  # fmt: skip
def test_how_it_went_at_the_end(losses, words):
    said = rules.end_of_training(evidence_of(history=history_of_losses(losses)))
    assert said.startswith(words)
    assert bool(said) == bool(words)


def test_the_end_is_that_of_the_last_phase():
    history = history_of_losses(FALLING, "head") + history_of_losses([0.2] * 6)
    assert "neither fell nor rose clearly, over the last 5 epochs" in rules.end_of_training(
        evidence_of(history=history)
    )


@pytest.mark.parametrize(
    ("best", "epochs", "is_said"), [(5, 10, True), (6, 10, False), (1, 9, False), (None, 20, False)]
)
def test_an_early_best_epoch_is_said(best, epochs, is_said):
    given = {"history": history_of_losses([0.5] * epochs), "results": {"best_epoch": best}}
    assert bool(rules.best_was_early(evidence_of(**given))) == is_said


def test_probabilities_that_chance_explains_are_not_called_off():
    words = rules.calibrated(evidence_of([[90, 10], [10, 90]], sure=0.9))
    assert words.startswith("Its probabilities are not shown to be off: the calibration error is ")


@pytest.mark.parametrize(("sure", "side"), [(0.99, "sure"), (0.6, "unsure")])
def test_probabilities_that_are_off_are_so_to_a_side(sure, side):
    words = rules.calibrated(evidence_of([[80, 20], [20, 80]], sure=sure))
    assert words.startswith("Its probabilities are off: the calibration error is ")
    assert f"It is too {side}: it gives its answers {100 * sure:.1f}% on average, and 80.0% of them are right." in words


def test_probabilities_that_are_off_both_ways_are_to_no_side():
    one, other = evidence_of([[70, 30], [30, 70]], sure=0.99), evidence_of([[100, 0], [0, 100]], sure=0.71)
    parts = [(part.predicted.labels, part.predicted.answers, part.predicted.probabilities) for part in (one, other)]
    mixed = type(one.predicted)(one.predicted.class_names, *map(np.concatenate, zip(*parts, strict=True)))
    words = rules.calibrated(Evidence(scored="test", figures={}, predicted=mixed))
    assert words.startswith("Its probabilities are off")
    assert "It is too" not in words


def test_the_inputs_words_are_the_runs_own():
    given = {"input_bottleneck": "input keeps up: the steps waited 1% of their time"}
    assert rules.input_kept_up(evidence_of(results=given)) == "Input keeps up: the steps waited 1% of their time."
    assert rules.input_kept_up(evidence_of(results={"input_bottleneck": None})) == ""


def test_a_good_and_a_poor_run_are_told_so():
    good = evidence_of([[99, 1], [2, 98]], sure=0.98, figures={"train": scored(99, 100), "validation": scored(98, 100)},
                       history=history_of_losses([0.1] * 10))  # fmt: skip
    poor = evidence_of([[11, 9], [10, 10]], sure=0.95, history=history_of_losses([0.7, 0.69]))
    assert [words.split(":")[0].split(",")[0] for words in verdict(good)] == [
        "197 of 200 test pictures are right", "That is better than always saying “class 0”",
        "The most frequent mistake takes “class 1” for “class 0”", "No overfitting shows",
        "At the end the validation loss neither fell nor rose clearly", "Its probabilities are not shown to be off",
    ]  # fmt: skip
    assert [words.split(":")[0].split(",")[0] for words in verdict(poor)] == [
        "21 of 40 test pictures are right", "It is not shown to be better than always saying “class 0”",
        "40 test pictures are too few to know it well", "The most frequent mistake takes “class 1” for “class 0”",
        "2 epochs are too few to tell whether it still improves.", "Its probabilities are off",
    ]  # fmt: skip
