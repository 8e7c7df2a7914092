"""A run with a network of the user's own: killed, gone on with to the same bits, exported, used without its file."""

import json
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from base import kill_points
from tests.helpers.kill_runs import few_shapes_dir
from tests.helpers.outcomes import outcome
from tests.helpers.run_fixtures import LIVELY, ROOT, run_script

NETWORK = """
import keras
from keras import layers as L


class Doubled(L.Layer):
    def call(self, x):
        return 2.0 * x


def build(num_classes, pixel_shape):
    return keras.Sequential([
        keras.Input(pixel_shape), L.Conv2D(8, 3, strides=2), L.BatchNormalization(), L.ReLU(), Doubled(),
        L.Conv2D(8, 3, strides=2), L.Flatten(), L.Dropout(0.3), L.Dense(num_classes)])
"""


def arguments_of(file: Path, run_dir: Path) -> tuple[str, ...]:
    return (f"--dataset=folder:{few_shapes_dir()}", f"--model={file}:build", *LIVELY, "--image_size=16", "--threads=2",
            "--epochs=2", "--global_batch_size=8", "--checkpoint_every_steps=2", "--precision=mixed_bfloat16",
            f"--run_dir={run_dir}")  # fmt: skip


@pytest.fixture(scope="module")
def whole(tmp_path_factory) -> Path:
    """A run that nobody disturbed; its network's file is gone."""
    folder = tmp_path_factory.mktemp("whole")
    (folder / "net.py").write_text(NETWORK)
    done = run_script("train.py", *arguments_of(folder / "net.py", folder / "run"))
    assert done.code == 0, done.stderr
    assert "model       build of net.py, 1,0" in done.stdout
    (folder / "net.py").unlink()
    return folder / "run"


def test_killed_and_gone_on_with_from_another_place_it_ends_in_the_same_bits(whole, tmp_path):
    file = tmp_path / "net.py"
    file.write_text(NETWORK)
    done = run_script("train.py", *arguments_of(file, tmp_path / "run"), **{kill_points.VARIABLE: "checkpoint.saved:3"})
    assert done.code == -signal.SIGKILL, done.stderr
    file.write_text(NETWORK.replace("L.Dropout(0.3)", "L.Dropout(0.4)"))
    done = run_script("train.py", *arguments_of(file, tmp_path / "run"))
    assert done.code == 2
    assert "cannot be continued to the same result (network_sha256: " in done.stderr
    # The copy in the run's folder is as good as the file that is no more.
    done = run_script("train.py", *arguments_of(tmp_path / "run" / "network.py", tmp_path / "run"))
    assert done.code == 0, done.stderr
    ours, theirs = outcome(tmp_path / "run"), outcome(whole)
    assert (ours["results"].pop("model"), theirs["results"].pop("model")) == ("build of network.py", "build of net.py")
    assert ours == theirs
    assert (tmp_path / "run" / "network.py").read_text() == NETWORK
    file.write_text(NETWORK.replace("L.Dropout(0.3)", "L.Dropout(0.5)"))
    done = run_script("train.py", *arguments_of(file, tmp_path / "run"))
    assert (done.code, "network_sha256" in done.stderr) == (2, True), "a finished run is that of its own network"


def test_a_finished_run_needs_its_networks_file_no_more(whole):
    picture = next(few_shapes_dir().glob("disk/*.jpg"))
    done = subprocess.run([sys.executable, ROOT / "predict.py", f"--run={whole}", picture],
                          check=False, capture_output=True, text=True)  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert str(picture) in done.stdout
    results = json.loads((whole / "results.json").read_text())
    assert len(results["network_sha256"]) == 64
    assert results["export_largest_difference"] < 1e-5
