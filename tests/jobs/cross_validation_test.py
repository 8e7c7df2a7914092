"""A cross-validation of made-up runs: which are begun, what they come to together, and that a kill loses nothing."""

import csv
import json

import numpy as np
import pytest

from base.errors import UserError
from base.watch import Watch
from evaluation.metrics import wilson_interval
from jobs.cross_validation import cross_validate, fold_plan
from jobs.options import resolve
from records.runs_folder import RunsFolder
from tests.helpers.made_runs import MadeRunner, everything_in, plan_of, write_finished
from tests.helpers.watches import Recording

OPTIONS = resolve("folder:/here", {"epochs": 3, "folds": 4})
PLAN = fold_plan(OPTIONS, ("--folds=4", "--epochs=3"))
RIGHT = {"fold-1": 9, "fold-2": 7, "fold-3": 10, "fold-4": 6}


def runner_of(ends=(), **more) -> MadeRunner:
    """Finishes folds, but for those of `ends`; `more` of the results of the last one."""

    def make(path, words) -> int:
        if path.name in dict(ends):
            return dict(ends)[path.name]
        number = int(path.name[-1])
        last = more if number == 4 else {}
        write_finished(path, OPTIONS.changed({"fold": number}), RIGHT[path.name], 10 * (number - 1), **last)
        return 0

    return MadeRunner(make)


def test_each_fold_is_a_run_with_its_number(tmp_path):
    runner = runner_of()
    assert cross_validate(RunsFolder(tmp_path), PLAN, runner, Watch()) == 0
    assert runner.asked == {f"fold-{one}": ["--folds=4", "--epochs=3", f"--fold={one}"] for one in range(1, 5)}
    assert [one.options.data.fold for one in PLAN] == [1, 2, 3, 4]
    assert plan_of(tmp_path) == {"kind": "folds", "runs": [f"fold-{one}" for one in range(1, 5)]}


def test_what_it_comes_to_is_in_files_and_words(tmp_path):
    lines = Recording()
    cross_validate(RunsFolder(tmp_path), PLAN, runner_of(), lines)
    with open(tmp_path / "folds.csv", newline="") as file:
        rows = list(csv.DictReader(file))
    assert [(row["fold"], float(row["accuracy"]), row["examples"]) for row in rows] == [
        ("1", 0.9, "10"), ("2", 0.7, "10"), ("3", 1.0, "10"), ("4", 0.6, "10")
    ]  # fmt: skip
    assert [float(row["accuracy_low"]) for row in rows] == [wilson_interval(right, 10)[0] for right in RIGHT.values()]
    figures = json.loads((tmp_path / "folds.json").read_text())
    assert figures["accuracy_mean"] == pytest.approx(0.8)
    assert figures["accuracy_standard_deviation"] == pytest.approx(np.std([0.9, 0.7, 1.0, 0.6], ddof=1))
    assert figures["out_of_fold"]["examples"] == 40
    assert figures["out_of_fold"]["accuracy_interval"] == pytest.approx(list(wilson_interval(32, 40)))
    said = "\n".join(lines.lines)
    for words in (
        "fold 4: accuracy 0.6000 (",
        "mean of 4: accuracy 0.8000",
        "all 40 pictures",
        "note: the folds",
    ):
        assert words in said
    predictions = RunsFolder(tmp_path).predictions.read()
    assert sorted(row.path for row in predictions) == sorted(f"{one}.jpg" for one in range(40))


@pytest.mark.parametrize("killed", [1, 2, 3, 4])
def test_given_again_after_a_kill_anywhere_it_comes_to_the_same(killed, tmp_path):
    whole, halved = tmp_path / "whole", tmp_path / "halved"
    cross_validate(RunsFolder(whole), PLAN, runner_of(), Watch())
    assert cross_validate(RunsFolder(halved), PLAN, runner_of({f"fold-{killed}": -9}), Watch()) == 1
    assert not (halved / "folds.json").exists()
    again = runner_of()
    assert cross_validate(RunsFolder(halved), PLAN, again, Watch()) == 0
    assert list(again.asked) == [f"fold-{one}" for one in range(killed, 5)]
    assert everything_in(halved) == everything_in(whole)


def test_no_fold_is_begun_after_one_that_fails(tmp_path):
    lines, runner = Recording(), runner_of({"fold-2": 2})
    assert cross_validate(RunsFolder(tmp_path), PLAN, runner, lines) == 2
    assert list(runner.asked) == ["fold-1", "fold-2"]
    assert "3 of 4 runs are not finished (fold-2 failed with exit code 2; fold-3 not begun" in lines.lines[-1]


def test_pictures_that_changed_between_folds_are_told(tmp_path):
    with pytest.raises(UserError, match="fold-4 was trained on other pictures than fold-1"):
        cross_validate(RunsFolder(tmp_path), PLAN, runner_of(manifest_sha256="0b"), Watch())
    assert not (tmp_path / "folds.json").exists()
