"""The shipped rendered faces in place of depth faces: learnable to the end, but not at once."""

import json

import pytest

from tests.helpers.run_fixtures import read_rows, run_script


@pytest.mark.slow
def test_the_rendered_faces_are_learned_in_fifteen_epochs_but_not_in_one(tmp_path):
    done = run_script("train.py", "--dataset=realsense", "--epochs=15", f"--run_dir={tmp_path / 'run'}", cwd=tmp_path)
    assert done.code == 0, done.stderr
    assert "SYNTHETIC" in done.stdout
    results = json.loads((tmp_path / "run" / "results.json").read_text())
    assert results["data_origin"] == "synthetic"
    assert results["test"]["examples"] == 180
    # Two mistakes in 180 would be 0.9889.
    assert results["test"]["accuracy"] >= 0.99
    assert float(read_rows(tmp_path / "run" / "history.csv")[0]["validation_accuracy"]) < 0.95
