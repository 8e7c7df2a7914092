import json
import shutil
import sys
import time

import pytest

from benchmarks import bench, figures, processes, table
from benchmarks.accuracy.budget import Budget
from benchmarks.lines import LINES, LONG_LINES, accuracy
from benchmarks.lines.accuracy import at_mark
from benchmarks.settings import Settings

POINTS = [(100.0, 0.6), (130.0, 0.7), (290.0, 0.8)]


@pytest.mark.parametrize(("minutes", "share"), [(1, None), (2, 0.6), (2.2, 0.7), (4, 0.7), (5, 0.8), (30, 0.8)])
def test_at_a_mark_the_last_weights_before_it_count(minutes, share):
    assert at_mark(POINTS, minutes) == share


def test_a_tie_is_not_ahead_and_no_answer_counts_as_none():
    assert figures.ahead("after 2 min", "rival", 0.9, 0.85)["reached"]
    assert not figures.ahead("after 2 min", "rival", 0.9, 0.9)["reached"]
    row = figures.ahead("after 2 min", "rival", None, 0.51)
    assert not row["reached"]
    assert row["penstock"][0] == 0.0
    assert figures.ahead("after 2 min", "rival", 0.51, None)["reached"]


def test_the_row_shows_percents_and_points():
    (line,) = table.plain([figures.ahead("after 2 min", "rival", 0.9025, 0.85)])
    for part in ("90.2 %", "rival: 85.0 %", "5.25 points", "above 0.00 points"):
        assert part in line


def test_the_line_of_hours_is_measured_by_its_name_alone(monkeypatch):
    assert not set(LONG_LINES) & set(LINES)
    monkeypatch.setattr(bench, "FLAGS", type("Flags", (), {"only": []}))
    assert bench.chosen_lines() == list(LINES)
    monkeypatch.setattr(bench, "FLAGS", type("Flags", (), {"only": ["accuracy"]}))
    assert bench.chosen_lines() == ["accuracy"]


def test_a_budget_keeps_only_better_epochs_and_scores_them_in_the_end(capsys):
    budget = Budget(1.0, time.time() - 10.0)
    for value, name in ((0.5, "first"), (0.4, "worse"), (0.5, "equal"), (0.7, "best")):
        budget.keep(value, lambda name=name: name)
    budget.tell({"first": 0.55, "best": 0.65}.__getitem__)
    told = json.loads(capsys.readouterr().out)
    assert told["epochs"] == 4
    assert [share for _, share in told["points"]] == [0.55, 0.65]
    assert all(seconds >= 10.0 for seconds, _ in told["points"])


def test_epochs_that_fit_are_counted_from_the_command_and_never_none():
    now = time.time()
    assert Budget(10.0, now).epochs(60.0, 300) == 9
    assert Budget(10.0, now - 300.0).epochs(60.0, 300) == 4
    assert Budget(10.0, now - 900.0).epochs(60.0, 300) == 1
    assert Budget(10.0, now).epochs(1.0, 25) == 25


def test_what_a_program_told_is_not_asked_again_before_the_line_is_whole(tmp_path, monkeypatch):
    asked = []

    def run(command):
        asked.append(command)
        if len(asked) == 2:
            raise SystemExit("stopped")
        return processes.Finished(1.0, 1.0, '{"points": [[50.0, 0.75]], "epochs": 3}')

    monkeypatch.setattr(processes, "run", run)
    monkeypatch.setattr(accuracy, "TOLD", tmp_path / "told")
    monkeypatch.setattr(accuracy, "FROM_SCRATCH", dict.fromkeys(accuracy.FROM_SCRATCH, sys.executable))
    monkeypatch.setattr(accuracy.curves, "write", lambda groups: None)
    (tmp_path / "scratch").mkdir()
    settings = Settings(tmp_path, tmp_path / "scratch")
    with pytest.raises(SystemExit, match="stopped"):
        accuracy.measure(settings)
    shutil.rmtree(settings.scratch / "fastai_learner")
    rows = accuracy.measure(settings)
    programs = [command[command.index("-m") + 1].rpartition(".")[2] for command in asked]
    assert programs == ["penstock_recipe", "fastai_learner", "fastai_learner", "timm_script", "ultralytics_classify",
                        "keras_tutorial", "penstock_recipe", "keras_transfer"]  # fmt: skip
    assert all(row["penstock"][0] == 75.0 for row in rows)
    assert not (tmp_path / "told").exists()
