"""A folder of several runs: who may hold it, what it may hold, and that its tables come back."""

import pytest

from base.errors import UserError
from records.claim import TakenError
from records.runs_folder import FoldRow, RunsFolder, SweepRow, claim_runs
from tests.helpers.run_folders import begin


def hold(path, kind="folds", resume="auto") -> None:
    with claim_runs(path, kind, resume) as folder:
        folder.plan.write({"kind": kind, "runs": ["fold-1"]})


def test_it_is_made_and_held_and_let_go(tmp_path):
    path = tmp_path / "deep" / "folds"
    with claim_runs(path, "folds", "auto"), pytest.raises(TakenError, match="is in use by another cross-validation"):
        hold(path)
    hold(path)
    hold(path)
    assert {one.name for one in path.iterdir()} == {".lock", "runs.json"}


def test_a_process_that_was_killed_before_its_plan_is_followed_by_another(tmp_path):
    (tmp_path / ".lock").touch()
    (tmp_path / ".incomplete-runs.json-abc").touch()
    hold(tmp_path)
    assert not (tmp_path / ".incomplete-runs.json-abc").exists()


@pytest.mark.parametrize("name", ["mine.txt", "fold-1", "sweep.csv"])
def test_files_of_others_are_not_joined(name, tmp_path):
    (tmp_path / name).touch()
    with pytest.raises(TakenError, match="holds other files: give an empty or a new folder"):
        hold(tmp_path)


def test_one_kind_is_not_the_other_and_neither_is_a_run(tmp_path):
    hold(tmp_path / "one", "sweep")
    with pytest.raises(TakenError, match="holds a sweep, not a cross-validation"):
        hold(tmp_path / "one")
    with pytest.raises(TakenError, match="holds a run, not a sweep"):
        hold(begin(tmp_path / "run"), "sweep")


def test_resume_is_about_all_of_it(tmp_path):
    with pytest.raises(UserError, match=r"--resume=must: .* holds no cross-validation to continue"):
        hold(tmp_path / "new", resume="must")
    assert not (tmp_path / "new").exists()
    hold(tmp_path / "new", resume="never")
    hold(tmp_path / "new", resume="must")
    with pytest.raises(TakenError, match=r"--resume=never: .* already holds a cross-validation"):
        hold(tmp_path / "new", resume="never")


@pytest.mark.parametrize("content", ["", "[]", "{}", '{"kind": "party"}'])
def test_a_plan_that_is_none_of_ours_is_told(content, tmp_path):
    (tmp_path / "runs.json").write_text(content)
    with pytest.raises(UserError, match=r"runs.json' cannot be read"):
        hold(tmp_path)


def test_the_tables_hold_every_digit_and_an_empty_field_for_nothing(tmp_path):
    folder = RunsFolder(tmp_path)
    folder.folds_table.write([FoldRow(1, 40, 0.1 + 0.2, 0.25, 1 / 3, 1e-7, 4, 12.5)])
    (row,) = folder.folds_table.read()
    assert (int(row.fold), float(row.accuracy), float(row.accuracy_high)) == (1, 0.1 + 0.2, 1 / 3)
    folder.sweep_table.write([SweepRow(3, "a", "--model='x y'", "not begun", None, "", *[None] * 9)])
    (row,) = folder.sweep_table.read()
    assert row == SweepRow("3", "a", "--model='x y'", "not begun", *[""] * 11)
