"""Several runs: finished ones are not done again, a failed one loses no other, a stop stops, and strangers are told."""

import dataclasses
import shutil

import pytest

from base.errors import UserError
from base.signals import Stopped, StopRequest
from base.watch import Watch
from jobs.options import resolve
from jobs.several import PlannedRun, check_plan, do_runs, end_in_words, exit_code, failures_line, is_finished
from records.run_folder import RunFolder
from records.runs_folder import RunsFolder
from tests.helpers.made_runs import MadeRunner, write_finished

OPTIONS = resolve("folder:/here", {"epochs": 3})
PLAN = [PlannedRun(name, OPTIONS.changed({"seed": seed}), (f"--seed={seed}",)) for seed, name in enumerate("abc", 5)]


def maker(ends: dict[str, int]) -> MadeRunner:
    """Finishes the runs, but for those of `ends`, which end with an exit code and nothing."""

    def make(path, words) -> int:
        if path.name in ends:
            return ends[path.name]
        write_finished(path, next(one.options for one in PLAN if one.name == path.name))
        return 0

    return MadeRunner(make)


def test_all_are_done_in_order_with_their_own_arguments_and_folders(tmp_path):
    runner = maker({})
    assert do_runs(RunsFolder(tmp_path), PLAN, runner, Watch()) == {"a": 0, "b": 0, "c": 0}
    assert list(runner.asked.items()) == [("a", ["--seed=5"]), ("b", ["--seed=6"]), ("c", ["--seed=7"])]


def test_finished_ones_are_not_done_again_and_the_others_are(tmp_path):
    do_runs(RunsFolder(tmp_path), PLAN, maker({"b": 1}), Watch())
    again = maker({})
    assert do_runs(RunsFolder(tmp_path), PLAN, again, Watch()) == {"a": 0, "b": 0, "c": 0}
    assert list(again.asked) == ["b"]


@pytest.mark.parametrize(("goes_on", "asked", "ends"), [(True, "abc", (0, 2, 0)), (False, "ab", (0, 2, None))])
def test_one_that_fails_loses_no_other_unless_all_are_needed(goes_on, asked, ends, tmp_path):
    runner = maker({"b": 2})
    assert do_runs(RunsFolder(tmp_path), PLAN, runner, Watch(), goes_on) == dict(zip("abc", ends, strict=True))
    assert "".join(runner.asked) == asked


def test_a_stop_ends_it_once_the_run_has_ended(tmp_path):
    stop = StopRequest()

    def make(path, words) -> int:
        stop.signal_name = "SIGTERM"
        return 75

    runner = MadeRunner(make)
    with pytest.raises(Stopped, match=r"SIGTERM: stopped in run 1 of 3, .*a"):
        do_runs(RunsFolder(tmp_path), PLAN, runner, Watch(stop))
    assert list(runner.asked) == ["a"]


def test_what_is_no_finished_run_is_done(tmp_path):
    path, options = tmp_path / "run", PLAN[0].options
    assert not is_finished(RunFolder(path), options)
    write_finished(path, options)
    assert is_finished(RunFolder(path), options)
    assert is_finished(RunFolder(path), dataclasses.replace(options, threads=2))
    for other in ({"threads": 3}, {"epochs": 4}, {"dataset": "folder:/there"}, {"calibrate": True}):
        assert not is_finished(RunFolder(path), options.changed(other)), other
    (path / "report.html").unlink()
    assert not is_finished(RunFolder(path), options)


def test_minutes_stand_for_the_epochs_that_came_of_them(tmp_path):
    asked = resolve("folder:/here", {"train_minutes": 2.0})
    path = write_finished(tmp_path / "run", asked.changed({"epochs": 7}))
    assert is_finished(RunFolder(path), asked)
    assert not is_finished(RunFolder(path), asked.changed({"train_minutes": 3.0}))


def test_a_network_of_ones_own_is_asked_for_again_as_its_file_may_be_another(tmp_path):
    (tmp_path / "net.py").write_text("def build(shape, classes): ...\n")
    options = OPTIONS.changed({"model": f"{tmp_path}/net.py:build"})
    assert not is_finished(RunFolder(write_finished(tmp_path / "run", options)), options)


def test_another_run_in_a_folder_of_the_plan_is_told_before_anything_begins(tmp_path):
    folder = RunsFolder(tmp_path)
    check_plan(folder, PLAN)
    write_finished(tmp_path / "c", PLAN[2].options.changed({"learning_rate": 0.5}))
    with pytest.raises(UserError, match=r"c holds a run with other options \(training.learning_rate: 0.5 -> "):
        check_plan(folder, PLAN)
    shutil.rmtree(tmp_path / "c")
    write_finished(tmp_path / "c", PLAN[2].options.changed({"epochs": 9}))  # more epochs go on
    check_plan(folder, PLAN)


def test_how_it_ended_is_said_and_is_the_exit_code():
    ends = {"a": 0, "b": 2, "c": -9, "d": 75, "e": None}
    words = failures_line(ends)
    assert words.startswith(
        "4 of 5 runs are not finished (b failed with exit code 2; c killed by SIGKILL; d stopped; e"
    )
    assert failures_line({"a": 0}) == ""
    codes = [exit_code(one) for one in ({"a": 0}, {"a": 0, "b": 2}, {"a": 2, "b": None}, {"a": 2, "b": 1}, ends)]
    assert codes == [0, 2, 2, 1, 1]
    assert end_in_words(134) == "failed with exit code 134"
