"""Transfer: the head on features, then all; killed anywhere, gone on with, on two replicas, exported."""

import functools
import json
import signal
from pathlib import Path

import keras
import numpy as np
import pytest

from base import kill_points
from models.options import ModelOptions
from models.zoo import build_model
from tests.helpers.kill_runs import few_shapes_dir
from tests.helpers.outcomes import outcome
from tests.helpers.run_fixtures import made_once, read_rows, run_script
from training.checkpoint import load_variables

# A flat residual net, traced in a second: of 60 pictures in batches of 8 an epoch has 8 steps, the last one padded.
SMALL = ("--model=residual_small", "--filters=4,6", "--image_size=16", "--dropout=0.3", "--threads=2", "--seed=5",
         "--global_batch_size=8", "--optimizer=adam", "--head_learning_rate=0.03", "--learning_rate=0.003")  # fmt: skip
IN_PHASES = ("--train=head_then_all", "--head_epochs=3", "--epochs=2")
EVENTFUL = (*IN_PHASES, "--augment=strong", "--schedule=cosine", "--warmup_epochs=0.5", "--unfreeze_from=stage2",
            "--backbone_rate_factor=0.3", "--precision=mixed_float16", "--checkpoint_every_steps=3")  # fmt: skip
HEAD_STEPS = 24


def train(run_dir: Path, *flags: str, dataset: Path | None = None, cache: Path | None = None, fault: str = ""):
    folder = dataset or few_shapes_dir()
    more = {"XDG_CACHE_HOME": str(cache)} if cache else {}
    return run_script("train.py", f"--dataset=folder:{folder}", *flags, f"--run_dir={run_dir}",
                      **more, **{kill_points.VARIABLE: fault})  # fmt: skip


def finished(run_dir: Path, *flags: str, **more) -> str:
    """The log of a run that came to its end."""
    done = train(run_dir, *flags, **more)
    assert done.code == 0, done.stdout + done.stderr
    return done.stdout


@functools.cache
def undisturbed() -> tuple[dict, str]:
    """(outcome, log) of a run in which everything happens and that nobody kills."""

    def make(folder: Path) -> None:
        folder.mkdir()
        (folder / "log").write_text(finished(folder / "run", *SMALL, *EVENTFUL))

    folder = made_once("transfer", make)
    return outcome(folder / "run"), (folder / "log").read_text()


@functools.cache
def pretrained() -> Path:
    """Weights of a tiny backbone, as a file of keras.applications has them, with statistics that are not the first."""

    def make(path: Path) -> None:
        model = build_model(ModelOptions("mobilenet_v2_035"), 3, 2, (32, 32, 3))
        backbone = next(layer for layer in model.layers if isinstance(layer, keras.Model))
        generator = np.random.default_rng(1)
        for variable in backbone.weights:
            if "moving_" in variable.path:
                variable.assign(np.asarray(variable) + generator.uniform(0.1, 0.5, variable.shape))
        backbone.save_weights(path)

    return made_once("backbone.weights.h5", make)


def variables_of(run_dir: Path, step: int) -> dict[str, np.ndarray]:
    return load_variables(run_dir / "checkpoints" / f"step-{step:08d}")


def test_the_phases_follow_each_other_and_are_told():
    whole, log = undisturbed()
    history = whole["history"]
    assert [(row["epoch"], row["phase"]) for row in history] == [
        ("1", "head"), ("2", "head"), ("3", "head"), ("4", "all"), ("5", "all")
    ]  # fmt: skip
    assert (whole["results"]["epochs"], whole["results"]["epochs_asked"]) == (5, 2)
    # Each has its schedule over its own steps: the last update of a cosine is nearly nothing.
    rates = [float(row["learning_rate"]) for row in history]
    assert 0.003 < rates[0] < 0.03
    assert rates[2] < 1e-3
    assert 0.0003 < rates[3] < 0.003
    assert rates[4] < 1e-4
    assert whole["results"]["chosen"]["train"] == "head_then_all"
    assert "train       3 epochs of the head alone, on features of pictures as they are, not augmented, then 2" in log
    phases = [line for line in log.splitlines() if line.startswith("phase ")]
    assert phases[0].startswith("phase       head: 2 of ")
    assert "; 3 epochs by adam 0.03" in phases[0]
    assert phases[1].startswith("phase       all: ")
    assert "; 2 epochs by adam 0.003; the backbone at 0.0009" in phases[1]
    assert log.count("features    100 pictures x 6 numbers") == 1
    assert "note        --unfreeze_from=stage2 without --weights" in log


def test_killed_in_every_phase_and_on_both_sides_of_the_boundary_it_ends_in_the_same_bits(tmp_path):
    whole, _ = undisturbed()
    faults = (
        "features.batch:1",
        "step.updated:5",  # in the head's first epoch, after the checkpoint of step 3
        f"step.updated:{HEAD_STEPS - 3}",  # the head's last step, before the boundary's checkpoint
        "checkpoint.variables:1",  # while the boundary's checkpoint is written, after that of step 21
        "checkpoint.saved:1",  # right after it
        "step.updated:2",  # in the first epoch of all, whose first checkpoint is that of step 27
        "checkpoint.saved:2",  # of step 30
        "export.saved:1",
    )
    run_dir, cache = tmp_path / "run", tmp_path / "cache"
    for fault in faults:
        done = train(run_dir, *SMALL, *EVENTFUL, cache=cache, fault=fault)
        assert done.code == -signal.SIGKILL, (fault, done.stdout + done.stderr)
    log = finished(run_dir, *SMALL, *EVENTFUL, cache=cache)
    assert "resume      from step 40" in log
    assert outcome(run_dir) == whole


@pytest.mark.slow
@pytest.mark.parametrize("point", ["step.begin", "step.updated", "checkpoint.saved", "checkpoint.variables",
                                   "validation.begin", "history.written"])  # fmt: skip
def test_killed_at_every_visit_of_a_point(point, tmp_path):
    whole, _ = undisturbed()
    for visit in range(1, 100):
        run_dir = tmp_path / str(visit)
        done = train(run_dir, *SMALL, *EVENTFUL, cache=tmp_path / "cache", fault=f"{point}:{visit}")
        if done.code == 0:
            assert visit > 3
            return
        assert done.code == -signal.SIGKILL, done.stdout + done.stderr
        finished(run_dir, *SMALL, *EVENTFUL, cache=tmp_path / "cache")
        assert outcome(run_dir) == whole, visit


def test_nothing_of_the_backbone_moves_in_the_heads_epochs_and_nothing_below_the_named_layer_ever(tmp_path):
    # Its checkpoints: the last ones of the head's epochs are gone, so a run that ends with them is looked at.
    whole, _ = undisturbed()
    head_dir = tmp_path / "head"
    flags = (*SMALL[:-2], "--train=head", "--learning_rate=0.03", "--epochs=3", "--schedule=cosine",
             "--warmup_epochs=0.5", "--precision=mixed_float16", "--augment=none")  # fmt: skip
    finished(head_dir, *flags)
    model = build_model(ModelOptions("residual_small", filters=(4, 6), dropout=0.3), 5, 3, (16, 16, 3))
    begun, head = {v.path: np.asarray(v) for v in model.variables}, variables_of(head_dir, HEAD_STEPS)
    moved = {path for path, value in head.items() if not np.array_equal(value, begun[path])}
    assert {path for path in moved if "mask" not in path} == {"logits/kernel", "logits/bias"}
    # The head's epochs are those of the longer run.
    assert [row | {"phase": ""} for row in outcome(head_dir)["history"]] == [
        row | {"phase": ""} for row in whole["history"][:3]
    ]


def test_the_head_alone_comes_out_of_kept_features_and_what_is_exported_agrees(tmp_path):
    flags = ("--model=mobilenet_v2_035", f"--weights={pretrained()}", "--image_size=32", "--train=head", "--epochs=4",
             "--learning_rate=0.01", "--threads=2", "--global_batch_size=16", "--augment=strong",
             "--test_time_flip")  # fmt: skip
    done = train(tmp_path / "run", *flags, cache=tmp_path / "cache", fault="features.batch:2")
    assert done.code == -signal.SIGKILL, done.stderr
    first = finished(tmp_path / "run", *flags, cache=tmp_path / "cache")
    assert "features    100 pictures x 1,280 numbers, computed in " in first
    assert "augment     none: the head learns on features of pictures as they are; " in first
    again = finished(tmp_path / "again", *flags, cache=tmp_path / "cache")
    assert "computed in" not in again
    assert outcome(tmp_path / "again") == outcome(tmp_path / "run")
    results = json.loads((tmp_path / "again" / "results.json").read_text())
    assert results["export_largest_difference"] <= 1e-5
    assert results["parameters"] == 1280 * 3 + 3
    # The backbone that is exported is the one of the file, its statistics too.
    model = build_model(ModelOptions("mobilenet_v2_035", weights=str(pretrained())), 1, 3, (32, 32, 3))
    saved = variables_of(tmp_path / "again", results["steps"])
    compared = [v.path for v in model.variables if "logits" not in v.path and "dropout" not in v.path]
    assert sum("moving_" in path for path in compared) > 50
    for variable in model.variables:
        if variable.path in compared:
            np.testing.assert_array_equal(saved[variable.path], np.asarray(variable), variable.path)
    # The scores that came out of features are those of the pictures.
    scored = run_script("evaluate.py", f"--run={tmp_path / 'again'}")
    assert scored.code == 0, scored.stderr
    (scores,) = (tmp_path / "again" / "evaluation").glob("*/scores.json")
    assert json.loads(scores.read_text())["accuracy"] == results["test"]["accuracy"]


@pytest.mark.slow
def test_more_epochs_of_a_phase_come_to_the_bits_of_all_at_once(tmp_path):
    plain = (*SMALL, "--train=head_then_all", "--head_epochs=2", "--augment=light", "--precision=float32")
    finished(tmp_path / "short", *plain, "--epochs=1")
    log = finished(tmp_path / "short", *plain, "--epochs=2")
    assert "resume      from step 24, after 3 whole epochs" in log
    finished(tmp_path / "long", *plain, "--epochs=2")
    one, other = outcome(tmp_path / "short"), outcome(tmp_path / "long")
    assert one["history"] == other["history"]
    assert one["results"] == other["results"]
    fewer = train(tmp_path / "long", *plain, "--epochs=1")
    assert (fewer.code, fewer.stderr.count("\n")) == (2, 1)
    assert "--epochs=1: the run has done 2 already" in fewer.stderr
    other_head = train(tmp_path / "long", *SMALL, "--train=head_then_all", "--head_epochs=3", "--augment=light",
                       "--precision=float32", "--epochs=2")  # fmt: skip
    assert (other_head.code, "head_epochs: 2 -> 3" in other_head.stderr) == (2, True)


def test_two_replicas_see_the_same_and_the_best_epoch_may_be_the_heads(tmp_path):
    weights = tmp_path / "first"
    finished(weights, *SMALL[:-2], "--epochs=2", "--learning_rate=0.01", "--augment=none", "--precision=float32")
    # Fine-tuning at such a rate undoes what was learnt.
    flags = (*SMALL[:-1], *IN_PHASES, "--learning_rate=0.5", f"--weights={weights}", "--precision=float32",
             "--augment=light")  # fmt: skip
    finished(tmp_path / "one", *flags)
    finished(tmp_path / "two", *flags, "--replicas=2")
    one, two = (outcome(tmp_path / name) for name in ("one", "two"))
    for row, other in zip(one["history"][:3], two["history"][:3], strict=True):
        assert float(row["loss"]) == pytest.approx(float(other["loss"]), rel=1e-4)
        assert row["validation_accuracy"] == other["validation_accuracy"]
    assert one["results"]["best_epoch"] == two["results"]["best_epoch"] <= 3
    rows = read_rows(tmp_path / "one" / "history.csv")
    best = float(rows[one["results"]["best_epoch"] - 1]["validation_accuracy"])
    assert one["results"]["validation"]["accuracy"] == pytest.approx(best)


def test_with_full_train_the_last_epoch_of_all_is_exported(tmp_path):
    finished(tmp_path / "run", *SMALL, *IN_PHASES, "--full_train", "--augment=none", "--precision=float32")
    results = json.loads((tmp_path / "run" / "results.json").read_text())
    assert (results["best_epoch"], results["validation"]) == (5, None)


@pytest.mark.parametrize(
    ("flags", "words"),
    [
        (("--unfreeze_from=stage9",), "unknown --unfreeze_from 'stage9'"),
        (("--profile_steps=1,99",), "--profile_steps=1,99: the last step of this run is 40"),
    ],
)
def test_what_the_model_or_the_run_has_not_is_told_before_anything_is_written(flags, words, tmp_path):
    done = train(tmp_path / "run", *SMALL, *IN_PHASES, "--augment=none", *flags)
    assert (done.code, done.stderr.count("\n")) == (2, 1)
    assert words in done.stderr
    assert not (tmp_path / "run" / "options.json").exists()
