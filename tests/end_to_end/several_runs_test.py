"""A cross-validation and a sweep from end to end: killed and given again, whole runs, and what a failed one costs."""

import functools
import json
import os
import signal
import time
from pathlib import Path

import pytest

from base import kill_points, locks
from tests.helpers.outcomes import outcome
from tests.helpers.run_fixtures import SMALL_MODEL, made_once, read_rows, run_script, start_script, write_shapes

SHAPES = ("disk", "square")


@functools.cache
def pictures() -> Path:
    """Forty of two classes, one of them twice."""

    def make(root: Path) -> None:
        write_shapes(root, dict.fromkeys(SHAPES, 20), seed=3)
        (root / "disk" / "same.jpg").write_bytes((root / "disk" / "0000.jpg").read_bytes())

    return made_once("forty", make)


def flags(*more: str) -> tuple[str, ...]:
    """Of a run of one epoch of three steps."""
    return (f"--dataset=folder:{pictures()}", *SMALL_MODEL, "--epochs=1", "--global_batch_size=4",
            "--checkpoint_every_steps=1", "--precision=float32", "--seed=3", *more)  # fmt: skip


def train(*arguments: str, killed: str = ""):
    return run_script("train.py", *arguments, **{kill_points.VARIABLE: killed})


def test_a_cross_validation_that_was_killed_between_two_folds_goes_on(tmp_path):
    folds = tmp_path / "folds"
    killed = train(*flags("--folds=2", f"--run_dir={folds}"), killed="run.ended:1")
    assert killed.code == -signal.SIGKILL
    assert (folds / "fold-1" / "results.json").exists()
    assert not (folds / "fold-2").exists()
    done = train(*flags("--folds=2", f"--run_dir={folds}"))
    assert (done.code, done.stderr) == (0, "")
    assert "run 1 of 2: " in done.stdout
    assert "fold-1, finished already" in done.stdout

    figures = json.loads((folds / "folds.json").read_text())
    tested = [row["path"] for row in read_rows(folds / "predictions_out_of_fold.csv")]
    everything = sorted(str(path.relative_to(pictures())) for path in pictures().rglob("*.*"))
    assert tested == everything
    assert figures["out_of_fold"]["examples"] == len(everything) == 41
    for number, row in enumerate(read_rows(folds / "folds.csv"), 1):
        results = json.loads((folds / f"fold-{number}" / "results.json").read_text())
        assert float(row["accuracy"]) == results["test"]["accuracy"] == figures["folds"][number - 1]["accuracy"]
    homes = {row["path"]: row["split"] for row in read_rows(folds / "fold-1" / "split.csv")}
    assert homes["disk/same.jpg"] == homes["disk/0000.jpg"]

    # Each is an ordinary run: by itself it comes to the same bits, and its own flags give it again.
    alone = tmp_path / "alone"
    assert train(f"--flagfile={folds / 'fold-2' / 'flags.txt'}", f"--run_dir={alone}").code == 0
    assert outcome(alone) == outcome(folds / "fold-2")


@pytest.mark.slow
@pytest.mark.parametrize(("number", "code"), [(signal.SIGKILL, -signal.SIGKILL), (signal.SIGTERM, 75)])
def test_a_signal_to_the_command_ends_the_run_that_it_has_begun(number, code, tmp_path):
    folds = tmp_path / "folds"
    given = flags("--folds=2", f"--run_dir={folds}", "--epochs=40")
    command = start_script("train.py", *given)
    while not (folds / "fold-1" / "history.csv").exists():
        assert command.poll() is None
        time.sleep(0.05)
    os.kill(command.pid, number)
    assert command.wait(60) == code
    for _ in range(100):  # whom the kernel kills has its files closed a moment later
        if lock := locks.acquire(folds / "fold-1" / ".lock"):
            break
        time.sleep(0.05)
    assert lock, "the run goes on without its command"
    lock.close()
    assert not (folds / "fold-1" / "results.json").exists()
    assert not (folds / "fold-2").exists()
    assert train(*given).code == 0
    alone = tmp_path / "alone"
    assert train(*flags("--folds=2", "--fold=1", f"--run_dir={alone}", "--epochs=40")).code == 0
    assert outcome(alone) == outcome(folds / "fold-1")


def test_a_sweep_whose_runs_fail_says_so_and_goes_on(tmp_path):
    runs, file = tmp_path / "runs", tmp_path / "two.sweep"
    file.write_text("good: --learning_rate=0.01\nbad: --weights=nowhere\n")
    given = (*flags(), f"--sweep={file}", f"--run_dir={runs}")
    first = train(*given, killed="step.updated:2")
    assert first.code == 1
    assert [row["status"] for row in read_rows(runs / "sweep.csv")] == ["killed by SIGKILL", "failed with exit code 2"]
    assert "none is chosen: no run is finished" in first.stdout
    again = train(*given)
    assert again.code == 2
    assert "resume      from step" in again.stdout
    good, bad = read_rows(runs / "sweep.csv")
    results = json.loads((runs / "good" / "results.json").read_text())
    assert (good["status"], good["rank"], good["chosen"]) == ("finished", "1", "yes")
    assert float(good["validation_accuracy"]) == results["validation"]["accuracy"]
    assert float(good["test_accuracy"]) == results["test"]["accuracy"]
    assert (bad["status"], bad["rank"], bad["test_accuracy"]) == ("failed with exit code 2", "", "")
    assert "1 of 2 runs are not finished (bad failed with exit code 2)" in again.stdout
