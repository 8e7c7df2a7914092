"""evaluate.py --robustness of a finished run: its clean accuracy is the run's, the results have their own folder."""

import json
import os

import pytest

from cli import evaluate
from records.tables import ROBUSTNESS
from tests.helpers.run_fixtures import call_script, finished_run, shapes_dir


@pytest.fixture
def call(monkeypatch, capfd):
    return lambda *arguments: call_script(evaluate, list(arguments), monkeypatch, capfd)


def test_a_finished_run_is_scored_on_corrupted_pictures(call, tmp_path):
    done = call(f"--run={finished_run()}", "--robustness", f"--out_dir={tmp_path / 'out'}")
    assert done.code == 0, done.stderr
    assert sorted(os.listdir(tmp_path / "out")) == ["robustness.csv", "robustness.png"]
    expected = json.loads((finished_run() / "results.json").read_text())["test"]
    clean, *corrupted = ROBUSTNESS.read(tmp_path / "out" / "robustness.csv")
    assert (float(clean.accuracy), int(clean.examples)) == (expected["accuracy"], expected["examples"])
    assert float(clean.loss) == pytest.approx(expected["loss"], abs=1e-5)
    assert len(corrupted) == 35
    assert min(float(row.accuracy) for row in corrupted) < float(clean.accuracy)
    assert f"the run's own, split test: clean accuracy {expected['accuracy']:.4f} (" in done.stdout
    assert "classified 36 times" in done.stdout


def test_it_has_a_folder_of_its_own_beside_the_scores(call, tmp_path):
    (tmp_path / "run").mkdir()
    for name in ("options.json", "split.csv", "saved_model"):
        (tmp_path / "run" / name).symlink_to(finished_run() / name)
    done = call(f"--run={tmp_path / 'run'}", f"--data_dir={shapes_dir()}", "--split=validation", "--robustness")
    assert done.code == 0, done.stderr
    assert os.listdir(tmp_path / "run" / "evaluation") == ["validation-robustness"]
