"""What is fitted on the validation split: the temperature, the threshold, and what is said of them."""

import json

import numpy as np
import pytest

from base.errors import UserError
from evaluation.calibration import at_temperature
from evaluation.decisions import LIKELIEST, Decision
from evaluation.options import DecisionOptions
from jobs.answered import Answered
from jobs.decisions import (
    Judgement,
    check_decision,
    decision_lines,
    decision_results,
    find_decision,
    find_temperature,
)

NAMES = ["cats", "dogs"]


def drawn(count: int, seed: int, sharper: float = 1.0) -> tuple[np.ndarray, np.ndarray]:
    """Labels drawn by probabilities, which are then given sharper than they are."""
    generator = np.random.default_rng(seed)
    true = generator.beta(0.8, 0.8, count)
    labels = (generator.random(count) < true).astype(int)
    probabilities = np.stack([1 - true, true], axis=1)
    return labels, np.float32(at_temperature(probabilities, 1 / sharper))


def judgement_of(decision: Decision, temperature=None) -> Judgement:
    splits = {}
    for seed, name in enumerate(("train", "validation", "test")):
        labels, probabilities = drawn(300, seed)
        splits[name] = Answered(np.arange(300), labels, probabilities, decision.answers(probabilities))
    return Judgement(splits, temperature, decision)


@pytest.mark.parametrize("positive", NAMES)
@pytest.mark.parametrize("figure", ["recall", "precision"])
def test_a_threshold_comes_to_what_was_asked_on_the_examples_it_was_chosen_on(figure, positive):
    labels, probabilities = drawn(400, 5)
    asked = DecisionOptions(threshold_for=f"{figure}:0.9", positive_class=positive)
    decision = find_decision(asked, NAMES, labels, probabilities)
    assert decision.positive == NAMES.index(positive)
    called, is_positive = decision.answers(probabilities) == decision.positive, labels == decision.positive
    rate = called[is_positive].mean() if figure == "recall" else is_positive[called].mean()
    assert 0.9 <= rate < 0.95
    assert (decision.answers(probabilities) != probabilities.argmax(axis=1)).any()


def test_the_second_class_is_the_positive_one_where_none_is_named():
    labels, probabilities = drawn(200, 6)
    plain = find_decision(DecisionOptions(threshold_for="recall:0.8"), NAMES, labels, probabilities)
    named = DecisionOptions(threshold_for="recall:0.8", positive_class="dogs")
    assert plain == find_decision(named, NAMES, labels, probabilities)


def test_what_cannot_be_reached_or_was_not_asked_for_leaves_the_likelier_class():
    labels, probabilities = drawn(50, 7)
    assert find_decision(DecisionOptions(), NAMES, labels, probabilities) == LIKELIEST
    asked = DecisionOptions(threshold_for="precision:1")
    surest = probabilities[:, 1].argmax()
    labels[surest] = 0
    assert find_decision(asked, NAMES, labels, probabilities) == LIKELIEST
    assert find_decision(asked, NAMES, np.zeros(50, int), probabilities) == LIKELIEST
    results = decision_results(asked, NAMES, judgement_of(LIKELIEST))
    (line,) = decision_lines(results)
    assert "warning: on the validation split none has precision 1" in line


def test_a_threshold_is_compared_as_float32():
    probabilities = np.array([[0.9, 0.1], [0.7, 0.3]], np.float32)
    exact = Decision(1, float(probabilities[1, 1]))
    assert exact.answers(probabilities).tolist() == [0, 1]
    assert Decision(0, float(probabilities[0, 0])).answers(probabilities).tolist() == [0, 1]


@pytest.mark.parametrize("sharper", [0.5, 3.0])
def test_a_temperature_lowers_the_loss_and_changes_no_answer(sharper):
    labels, probabilities = drawn(5000, 8, sharper)
    temperature = find_temperature(labels, probabilities)
    assert temperature.value == pytest.approx(sharper, rel=0.1)
    assert temperature.loss[1] < temperature.loss[0]
    assert temperature.calibration_error[1] < temperature.calibration_error[0]
    after = at_temperature(probabilities, temperature.value)
    np.testing.assert_array_equal(after.argmax(axis=1), probabilities.argmax(axis=1))
    assert f"temperature {temperature.value:.4g}" in temperature.words


def test_results_say_what_was_asked_fitted_and_reached_on_both_splits():
    decision, temperature = Decision(1, 0.25), find_temperature(*drawn(300, 1))
    asked = DecisionOptions(calibrate=True, threshold_for="recall:0.9")
    judgement = judgement_of(decision, temperature)
    results = json.loads(json.dumps(decision_results(asked, NAMES, judgement)))
    assert results["asked"] == {"calibrate": True, "threshold_for": "recall:0.9", "positive_class": ""}
    assert results["threshold"] == 0.25
    for name in ("validation", "test"):
        one = judgement.splits[name]
        called = one.probabilities[:, 1] >= 0.25
        assert results[name]["recall"] == called[one.labels == 1].mean()
        assert results[name]["precision"] == (one.labels[called] == 1).mean()
    assert "train" not in results
    calibrated, threshold, validation, test = decision_lines(results)
    assert "fitted on the validation split" in calibrated
    assert "'dogs' is answered from a probability of 0.2500 on, else 'cats'" in threshold
    assert validation.startswith(f"  validation  recall {results['validation']['recall']:.4f}")
    assert f"precision {results['test']['precision']:.4f}" in test
    assert decision_lines(decision_results(DecisionOptions(), NAMES, judgement_of(LIKELIEST))) == []


@pytest.mark.parametrize(
    ("asked", "names", "said"),
    [
        (DecisionOptions(threshold_for="recall:0.9"), ["a", "b", "c"], "it is for two classes, and there are 3"),
        (DecisionOptions(threshold_for="recall:0.9", positive_class="dog"), NAMES, "did you mean 'dogs'"),
    ],
)
def test_a_threshold_is_for_two_classes_that_there_are(asked, names, said):
    with pytest.raises(UserError, match=said):
        check_decision(asked, names)


def test_what_fits_nothing_is_never_refused():
    check_decision(DecisionOptions(calibrate=True), ["a", "b", "c"])
    check_decision(DecisionOptions(threshold_for="recall:0.9", positive_class="cats"), NAMES)
