"""The choice between runs: by validation alone, whatever their test scores say, and only where it is fair."""

import dataclasses
import random

import pytest

from evaluation.metrics import wilson_interval
from jobs.sweep_choice import ACCURACY, LOSS, TEST_NOTE, Candidate, choose, sweep_lines, sweep_rows


def scores(right: int, examples: int = 100, loss: float = 0.5) -> dict:
    interval = list(wilson_interval(right, examples))
    return {"accuracy": right / examples, "accuracy_interval": interval, "loss": loss, "examples": examples}


def candidate(line: int, right: int, loss: float = 0.5, test_right: int = 50, best_on: str = "auto") -> Candidate:
    results = {"validation": scores(right, loss=loss), "test": scores(test_right), "best_epoch": 3 + line,
               "seconds": 10.0 * line}  # fmt: skip
    return Candidate(line, f"run-{line}", f"--epochs={line}", 0, results, "same", best_on)


def names(choice) -> list[str]:
    return [one.name for one in choice.ranked]


def test_accuracy_decides_then_loss_then_the_order_of_the_lines():
    choice = choose([candidate(1, 80, 0.4), candidate(2, 90, 0.9), candidate(3, 80, 0.3), candidate(4, 80, 0.4)])
    assert names(choice) == ["run-2", "run-3", "run-1", "run-4"]
    assert (choice.by, choice.chosen.name, choice.why_none) == (ACCURACY, "run-2", "")


def test_the_loss_decides_where_all_runs_chose_their_epochs_by_it():
    runs = [candidate(1, 80, 0.4, best_on="validation_loss"), candidate(2, 90, 0.9, best_on="validation_loss")]
    assert names(choose(runs)) == ["run-1", "run-2"]
    assert choose(runs).by == LOSS
    assert names(choose([*runs, candidate(3, 70)])) == ["run-2", "run-1", "run-3"]


@pytest.mark.parametrize("seed", range(20))
def test_no_test_score_has_a_say(seed):
    draw = random.Random(seed)
    runs = [candidate(line, draw.randint(0, 100), draw.random()) for line in range(1, 8)]
    others = [draw.choice((None, scores(draw.randint(0, 100)))) for _ in runs]
    tested = [dataclasses.replace(one, results=one.results | {"test": other})
              for one, other in zip(runs, others, strict=True)]  # fmt: skip
    assert names(choose(tested)) == names(choose(runs))
    draw.shuffle(tested)
    assert names(choose(tested)) == names(choose(runs))


def test_test_figures_are_those_of_the_chosen_run_alone():
    runs = [candidate(1, 80, test_right=99), candidate(2, 90, test_right=61), Candidate(3, "run-3", "--x=3", -9, None)]
    choice = choose(runs)
    rows = sweep_rows(runs, choice)
    assert [(row.line, row.name, row.flags, row.status, row.rank, row.chosen) for row in rows] == [
        (1, "run-1", "--epochs=1", "finished", 2, ""),
        (2, "run-2", "--epochs=2", "finished", 1, "yes"),
        (3, "run-3", "--x=3", "killed by SIGKILL", None, ""),
    ]
    assert [row.test_accuracy for row in rows] == [None, 0.61, None]
    assert [row.test_accuracy_low for row in rows] == [None, wilson_interval(61, 100)[0], None]
    assert (rows[1].validation_accuracy, rows[1].validation_accuracy_low, rows[1].validation_accuracy_high) == (
        0.9, *wilson_interval(90, 100)
    )  # fmt: skip
    assert (rows[0].best_epoch, rows[0].validation_loss, rows[0].seconds) == (4, 0.5, 10.0)
    assert rows[2][6:] == (None,) * 9
    said = "\n".join(sweep_lines(runs, choice))
    assert "0.99" not in said
    assert "chosen: run-2, which reaches 0.6100" in said
    assert "run-3: killed by SIGKILL" in said
    assert said.endswith(TEST_NOTE)


def test_near_ones_are_told():
    said = "\n".join(sweep_lines(runs := [candidate(1, 80), candidate(2, 85), candidate(3, 40)], choose(runs)))
    assert "the interval of 1 other meets its own" in said
    clear = [candidate(1, 99), candidate(2, 40)]
    assert "its own" not in "\n".join(sweep_lines(clear, choose(clear)))


@pytest.mark.parametrize(
    ("runs", "why"),
    [
        ([Candidate(1, "a", "--x=1", 2, None)], "no run is finished"),
        ([candidate(1, 80), Candidate(2, "b", "--x=2", None, None)], "not every run has been tried"),
        ([candidate(1, 80), dataclasses.replace(candidate(2, 90), validated="other")], "not validated on the same"),
        ([candidate(1, 80), dataclasses.replace(candidate(2, 90), results={"validation": None, "test": scores(9)})],
         "not every run has a validation split"),
    ],
)  # fmt: skip
def test_what_cannot_be_compared_is_not(runs, why):
    choice = choose(runs)
    assert (choice.chosen, choice.ranked) == (None, ())
    assert why in choice.why_none
    assert all(row.rank is None and row.test_accuracy is None and not row.chosen for row in sweep_rows(runs, choice))
    assert sweep_lines(runs, choice)[0] == f"none is chosen: {choice.why_none}"


def test_an_unfinished_run_spoils_no_choice():
    assert names(choose([candidate(1, 80), Candidate(2, "b", "--x=1", 1, None, "other", "last")])) == ["run-1"]
