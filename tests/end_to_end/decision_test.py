"""A finished run that is asked for a temperature or a threshold afterwards: scored and exported again, not trained."""

import json
import shutil
import signal
from pathlib import Path

import numpy as np
import pytest

from base import kill_points
from evaluation.calibration import at_temperature
from tests.helpers.run_fixtures import SMALL_MODEL, Done, made_once, read_rows, run_script, write_shapes

NAMES = ("disk", "square")


def train(run_dir: Path, *flags: str, **more) -> Done:
    pictures = made_once("two-shapes", lambda root: write_shapes(root, {"disk": 60, "square": 60}))
    return run_script("train.py", f"--dataset=folder:{pictures}", *SMALL_MODEL, "--augment=light", "--epochs=2",
                      "--global_batch_size=8", "--precision=float32", f"--run_dir={run_dir}", *flags,
                      **more)  # fmt: skip


@pytest.fixture(scope="module")
def plain() -> Path:
    def make(run_dir: Path) -> None:
        done = train(run_dir)
        assert done.code == 0, done.stderr

    return made_once("undecided", make)


def learnt(run_dir: Path) -> dict[str, bytes]:
    """What training has left, by name."""
    paths = [run_dir / "history.csv", run_dir / "split.csv", *(run_dir / "checkpoints").rglob("*.npz")]
    return {str(path.relative_to(run_dir)): path.read_bytes() for path in paths}


def table(run_dir: Path) -> tuple[list[str], np.ndarray]:
    rows = read_rows(run_dir / "predictions_test.csv")
    return [row["prediction"] for row in rows], np.array([[float(row[f"p({name})"]) for name in NAMES] for row in rows])


def test_a_finished_run_is_calibrated_decided_and_undecided_again(plain, tmp_path):
    run_dir = shutil.copytree(plain, tmp_path / "run")
    before, (answers, probabilities) = learnt(run_dir), table(run_dir)
    flags = ("--calibrate", "--threshold_for=recall:0.9", "--positive_class=disk")
    killed = train(run_dir, *flags, **{kill_points.VARIABLE: "export.saved:1"})
    assert killed.code == -signal.SIGKILL
    done = train(run_dir, *flags)
    assert done.code == 0, done.stderr
    results = json.loads((run_dir / "results.json").read_text())["decision"]
    temperature, threshold = results["temperature"]["value"], results["threshold"]
    for words in (f"temperature {temperature:.4g}", f"'disk' is answered from a probability of {threshold:.4f} on"):
        assert words in done.stdout
    assert learnt(run_dir) == before
    decided, scaled = table(run_dir)
    np.testing.assert_allclose(scaled, at_temperature(probabilities, temperature), atol=1e-5)
    assert decided == [NAMES[int(row[0] < np.float32(threshold))] for row in scaled]
    scored = run_script("evaluate.py", f"--run={run_dir}")
    assert scored.code == 0, scored.stderr
    again = read_rows(run_dir / "evaluation" / "test" / "predictions.csv")
    assert [row["prediction"] for row in again] == decided
    assert results["words"] in scored.stdout
    assert "finished already" in train(run_dir, *flags).stdout
    assert train(run_dir).code == 0
    assert table(run_dir)[0] == answers
    np.testing.assert_allclose(table(run_dir)[1], probabilities, atol=1e-6)


def test_a_threshold_of_three_classes_is_refused_before_anything_is_written(tmp_path):
    pictures = write_shapes(tmp_path / "shapes", {"disk": 20, "square": 20, "stripes": 20})
    done = run_script("train.py", f"--dataset=folder:{pictures}", *SMALL_MODEL, "--threshold_for=recall:0.9",
                      f"--run_dir={tmp_path / 'run'}")  # fmt: skip
    assert done.code == 2
    assert "--threshold_for=recall:0.9: it is for two classes, and there are 3" in done.stderr
    assert not (tmp_path / "run").exists()
