"""A run goes on: for more epochs, with pictures that have moved, from another working folder; or another one begins
with what it has learnt."""

import json
import shutil

import pytest

from records.history import TIMED_COLUMNS
from tests.helpers.run_fixtures import SMALL_MODEL, made_once, read_rows, run_script, write_shapes
from training.checkpoint import load_variables

FLAGS = (*SMALL_MODEL, "--augment=light", "--learning_rate=0.01", "--precision=float32", "--global_batch_size=8")


def album() -> str:
    return made_once("album", lambda root: write_shapes(root, {"disk": 20, "square": 20}) and None)


def train(run_dir, *flags, dataset=None, cwd=None, **more):
    return run_script("train.py", f"--dataset={dataset or f'folder:{album()}'}", *FLAGS, f"--run_dir={run_dir}", *flags,
                      cwd=cwd, **more)  # fmt: skip


def result_of(run_dir) -> tuple:
    """(weights, history without times) of a finished run."""
    rows = [
        {name: row[name] for name in row if name not in TIMED_COLUMNS} for row in read_rows(run_dir / "history.csv")
    ]
    return json.loads((run_dir / "results.json").read_text())["weights_sha256"], rows


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """A run of four epochs."""
    run_dir = tmp_path_factory.mktemp("whole") / "run"
    assert train(run_dir, "--epochs=4").code == 0
    return run_dir


def test_more_epochs_in_another_place_come_to_the_bits_of_all_at_once(whole, tmp_path):
    run_dir, moved = tmp_path / "run", tmp_path / "moved"
    assert train(run_dir, "--epochs=2").code == 0
    assert "finished already" in train(run_dir, "--epochs=2").stdout
    # As if scores and export, which no checkpoint knows of, had taken long; and a start had come to nothing else.
    first = json.loads((run_dir / "results.json").read_text()) | {"seconds": 1000.0, "starts": 2}
    (run_dir / "results.json").write_text(json.dumps(first))
    shutil.copytree(album(), moved)
    # A kill in the third epoch: what the first two gave stands until the fourth has ended.
    killed = train(run_dir, "--epochs=4", dataset="folder:moved/.", cwd=tmp_path, PENSTOCK_KILL_POINT="step.begin:3")
    assert killed.code != 0, killed.stdout
    assert json.loads((run_dir / "results.json").read_text()) == first
    done = train(run_dir, "--epochs=4", dataset="./moved/", cwd=tmp_path)
    assert done.code == 0, done.stderr
    assert "after 2 whole epochs" in done.stdout
    assert result_of(run_dir) == result_of(whole)
    results = json.loads((run_dir / "results.json").read_text())
    assert (results["starts"], 1000 < results["seconds"] < 2000) == (3, True)
    assert json.loads((run_dir / "options.json").read_text())["data"]["dataset"] == f"folder:{moved}"
    fewer = train(run_dir, "--epochs=3")
    assert (fewer.code, fewer.stderr.count("\n")) == (2, 1)
    assert "--epochs=3: the run has done 4 already" in fewer.stderr
    # Finished, and asked with other pictures: it is not taken for that run.
    (moved / "disk" / "0000.jpg").unlink()
    other = train(run_dir, "--epochs=4", dataset=f"folder:{moved}/../moved")
    assert other.code == 0  # the same place by another name: nothing is read again
    other = train(run_dir, "--epochs=4")
    assert "finished already" in other.stdout
    shutil.copytree(moved, tmp_path / "lacking")
    other = train(run_dir, "--epochs=4", dataset=f"folder:{tmp_path / 'lacking'}")
    assert (other.code, "gone pictures: 1, as 'disk/0000.jpg'" in other.stderr) == (2, True)


def test_another_task_begins_with_what_fits_of_a_runs_best_weights(whole, tmp_path):
    root = write_shapes(tmp_path / "three", {"disk": 8, "square": 8, "stripes": 8})
    run_dir = tmp_path / "run"
    done = train(run_dir, "--epochs=1", f"--weights={whole}", dataset=f"folder:{root}")
    assert done.code == 0, done.stderr
    best = json.loads((whole / "results.json").read_text())["best_epoch"]
    (line,) = [line for line in done.stdout.splitlines() if line.startswith("weights ")]
    assert line.startswith(f"weights     {whole}, epoch {best}: 6 of 8 variables; new: ")
    assert "logits/kernel" in line
    shutil.copytree(whole, tmp_path / "elsewhere")
    assert "finished already" in train(run_dir, "--epochs=1", f"--weights={tmp_path / 'elsewhere'}",
                                       dataset=f"folder:{root}").stdout  # fmt: skip
    other = train(run_dir, "--epochs=1", dataset=f"folder:{root}")
    assert (other.code, "weights: " in other.stderr) == (2, True)


@pytest.mark.parametrize(
    ("place", "words"),
    [
        ("none/at/all", "is no folder: it must be none, imagenet, an .h5 file or the folder of a run"),
        ("run/saved_model", "run/saved_model' lies in the folder of a run: give that, --weights=/"),
        ("run/checkpoints", "run/checkpoints' lies in the folder of a run: give that, --weights=/"),
        ("run/results.json", "run/results.json' lies in the folder of a run: give that, --weights=/"),
        ("elsewhere", "is a SavedModel, which holds no weights to train on: give the folder of its run"),
        ("empty", "holds no checkpoint: give the folder of a run"),
        ("run/x.keras", "it must be none, imagenet, the path of an .h5 file or the folder of a run"),
    ],
)
def test_weights_that_are_none_are_one_line(place, words, whole, tmp_path):
    (tmp_path / "run").symlink_to(whole)
    (tmp_path / "empty").mkdir()
    (tmp_path / "elsewhere").symlink_to(whole / "saved_model")
    done = train(tmp_path / "new", "--epochs=1", f"--weights={tmp_path / place}")
    assert (done.code, done.stderr.count("\n")) == (2, 1)
    assert words in done.stderr
    assert not (tmp_path / "new" / "options.json").exists()


def test_a_model_of_which_nothing_fits_is_one_line(whole, tmp_path):
    done = run_script("train.py", f"--dataset=folder:{album()}", "--model=residual_small", "--filters=4",
                      "--image_size=16", f"--weights={whole}", f"--run_dir={tmp_path / 'new'}")  # fmt: skip
    assert (done.code, done.stderr.count("\n")) == (2, 1)
    assert "none of its variables fits residual_small by name and shape" in done.stderr


def test_variables_are_read_by_their_paths(whole):
    step = json.loads((whole / "results.json").read_text())["steps"]
    variables = load_variables(whole / "checkpoints" / f"step-{step:08d}")
    assert {"logits/kernel", "logits/bias", "block1_conv/kernel"} <= set(variables)
