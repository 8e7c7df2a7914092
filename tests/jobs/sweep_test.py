"""A sweep of made-up runs: all are done, what fails is said, the table is whole, and given again it goes on."""

import csv
import json

import pytest

from base.errors import UserError
from base.watch import Watch
from jobs.options import resolve
from jobs.several import PlannedRun
from jobs.sweep import check_unlike, sweep
from jobs.sweep_choice import TEST_NOTE
from jobs.sweep_lines import read_lines
from records.runs_folder import RunsFolder
from tests.helpers.made_runs import MadeRunner, everything_in, write_finished
from tests.helpers.watches import Recording

TEXT = "--epochs=3\nslow: --learning_rate=0.0001\n\n--epochs=5 --model=catdog_1\n"
RIGHT = {"epochs=3": 7, "slow": 9, "epochs=5,model=catdog_1": 8}


def planned(text: str = TEXT):
    """(the lines, their runs)."""
    lines = read_lines(text, "--sweep=f")
    given = [dict(word.removeprefix("--").split("=") for word in line.arguments) for line in lines]
    kinds = {"epochs": int, "learning_rate": float}
    options = [resolve("folder:/here", {name: kinds.get(name, str)(value) for name, value in one.items()})
               for one in given]  # fmt: skip
    return lines, [PlannedRun(line.name, one, line.arguments) for line, one in zip(lines, options, strict=True)]


LINES, PLAN = planned()


def runner_of(ends=(), first=None) -> MadeRunner:
    """Finishes runs, but for those of `ends`; `first` moves the splits of some."""

    def make(path, words) -> int:
        if path.name in dict(ends):
            return dict(ends)[path.name]
        options = next(one.options for one in PLAN if one.name == path.name)
        write_finished(path, options, RIGHT[path.name], (first or {}).get(path.name, 0))
        return 0

    return MadeRunner(make)


def rows_of(path) -> list[dict]:
    with open(path / "sweep.csv", newline="") as file:
        return list(csv.DictReader(file))


def test_the_best_on_validation_is_chosen_and_its_test_score_alone_shown(tmp_path):
    lines = Recording()
    assert sweep(RunsFolder(tmp_path), LINES, PLAN, runner_of(), lines) == 0
    rows = rows_of(tmp_path)
    assert [(row["line"], row["name"], row["rank"], row["chosen"]) for row in rows] == [
        ("1", "epochs=3", "3", ""), ("2", "slow", "1", "yes"), ("4", "epochs=5,model=catdog_1", "2", "")
    ]  # fmt: skip
    assert rows[2]["flags"] == "--epochs=5 --model=catdog_1"
    assert [row["test_accuracy"] for row in rows] == ["", "0.9", ""]
    assert [float(row["validation_accuracy"]) for row in rows] == [0.7, 0.9, 0.8]
    told = json.loads((tmp_path / "sweep.json").read_text())
    assert (told["chosen"], told["note"], len(told["runs"])) == ("slow", TEST_NOTE, 3)
    assert "\n  chosen: slow, which reaches 0.9000 (" in "\n".join(lines.lines)


def test_after_each_run_the_table_has_it_and_no_test_score_before_all_were_tried(tmp_path):
    seen, make = [], runner_of()

    def look(arguments) -> int:
        if (tmp_path / "sweep.csv").exists():
            seen.append(
                [(row["status"], row["validation_accuracy"], row["test_accuracy"]) for row in rows_of(tmp_path)]
            )
        return make(arguments)

    sweep(RunsFolder(tmp_path), LINES, PLAN, look, Watch())
    begun = ("not begun", "", "")
    assert seen == [[("finished", "0.7", ""), begun, begun], [("finished", "0.7", ""), ("finished", "0.9", ""), begun]]
    assert [row["test_accuracy"] for row in rows_of(tmp_path)] == ["", "0.9", ""]


@pytest.mark.parametrize("code", [1, 2, -9])
def test_one_that_fails_loses_no_other_and_is_said(code, tmp_path):
    lines = Recording()
    assert sweep(RunsFolder(tmp_path), LINES, PLAN, runner_of({"slow": code}), lines) == (2 if code == 2 else 1)
    assert [row["status"] for row in rows_of(tmp_path)][::2] == ["finished", "finished"]
    assert [row["chosen"] for row in rows_of(tmp_path)] == ["", "", "yes"]
    assert "1 of 3 runs are not finished (slow " in lines.lines[-1]


def test_what_a_run_reached_before_it_failed_at_more_epochs_does_not_count(tmp_path):
    write_finished(tmp_path / "slow", PLAN[1].options.changed({"epochs": 2}), right=10)
    sweep(RunsFolder(tmp_path), LINES, PLAN, runner_of({"slow": 1}), Watch())
    assert [row["rank"] for row in rows_of(tmp_path)] == ["2", "", "1"]


def test_given_again_it_does_what_failed_and_comes_to_the_same(tmp_path):
    whole, again = tmp_path / "whole", runner_of()
    sweep(RunsFolder(whole), LINES, PLAN, runner_of(), Watch())
    sweep(RunsFolder(tmp_path / "halved"), LINES, PLAN, runner_of({"slow": 1}), Watch())
    assert sweep(RunsFolder(tmp_path / "halved"), LINES, PLAN, again, Watch()) == 0
    assert list(again.asked) == ["slow"]
    assert everything_in(tmp_path / "halved") == everything_in(whole)


def test_a_line_more_is_a_run_more(tmp_path):
    sweep(RunsFolder(tmp_path), LINES[:2], PLAN[:2], runner_of(), Watch())
    more = runner_of()
    sweep(RunsFolder(tmp_path), LINES, PLAN, more, Watch())
    assert list(more.asked) == ["epochs=5,model=catdog_1"]
    assert len(rows_of(tmp_path)) == 3


def test_runs_that_were_validated_on_different_pictures_are_not_ranked(tmp_path):
    lines = Recording()
    sweep(RunsFolder(tmp_path), LINES, PLAN, runner_of(first={"slow": 5}), lines)
    assert {row["chosen"] for row in rows_of(tmp_path)} == {""}
    assert any("none is chosen: the runs were not validated on the same pictures" in line for line in lines.lines)


def test_two_lines_that_ask_for_one_run_are_refused():
    lines, plan = planned("a: --epochs=3\nb: --learning_rate=0.5\nc: --epochs=3\n")
    with pytest.raises(UserError, match=r"--sweep=f, line 3: it asks for the same run as line 1"):
        check_unlike(lines, plan, "--sweep=f")
    check_unlike(lines[:2], plan[:2], "--sweep=f")
