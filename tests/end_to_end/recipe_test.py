"""Recipes in whole runs: killed and gone on with, they end in the same bits; what they average is what they export."""

import functools
import json
import signal
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf

from base import kill_points
from jobs.beginning import best_variables
from tests.helpers.kill_runs import few_shapes_dir
from tests.helpers.outcomes import outcome
from tests.helpers.run_fixtures import SMALL_MODEL, Done, made_once, read_rows, run_script
from training.checkpoint import load_checkpoint

# Everything that has a state of its own, or is a function of the history: eight steps an epoch, three updates.
RECIPES = {
    "averaged": ("--precision=float32", "--ema_momentum=0.9", "--accumulate_steps=3", "--clip_norm=0.5",
                 "--schedule=plateau", "--plateau_patience=1", "--decay_factor=0.5", "--warmup_epochs=0.7",
                 "--label_smoothing=0.1", "--class_weights=balanced", "--optimizer=adamw", "--weight_decay=0.05",
                 "--learning_rate=0.05", "--best_on=validation_loss", "--test_time_flip"),
    "half": ("--precision=mixed_float16", "--ema_momentum=0.5", "--accumulate_steps=2", "--schedule=one_cycle",
             "--optimizer=rmsprop", "--momentum=0.5", "--optimizer_args=centered=true", "--learning_rate=0.003",
             "--early_stop_on=accuracy", "--early_stop_patience=3"),
}  # fmt: skip
EPOCHS = 5


def train(run_dir: Path, *flags: str, **more) -> Done:
    return run_script("train.py", f"--dataset=folder:{few_shapes_dir()}", *SMALL_MODEL, "--augment=light",
                      "--global_batch_size=8", f"--run_dir={run_dir}", *flags, **more)  # fmt: skip


def flags_of(recipe: str) -> tuple[str, ...]:
    return (*RECIPES[recipe], f"--epochs={EPOCHS}", "--checkpoint_every_steps=2")


@functools.cache
def whole(recipe: str) -> Path:
    def make(run_dir: Path) -> None:
        done = train(run_dir, *flags_of(recipe))
        assert done.code == 0, done.stderr
        run_dir.with_suffix(".log").write_text(done.stdout)

    return made_once(f"recipe-{recipe}", make)


@pytest.mark.parametrize("recipe", ["averaged", pytest.param("half", marks=pytest.mark.slow)])
def test_a_recipe_that_is_killed_in_the_middle_of_a_group_and_of_an_epochs_end_ends_in_the_same_bits(recipe, tmp_path):
    run_dir = tmp_path / "run"
    # After the second step of a group of three; between the end of validation and its row; and once more.
    for fault in ("step.updated:19", "validation.end:1", "step.begin:4"):
        killed = train(run_dir, *flags_of(recipe), **{kill_points.VARIABLE: fault})
        assert killed.code == -signal.SIGKILL, killed.stderr
    done = train(run_dir, *flags_of(recipe))
    assert done.code == 0, done.stderr
    assert outcome(run_dir) == outcome(whole(recipe))


def test_a_recipe_is_in_its_log_and_its_history():
    log, rows = whole("averaged").with_suffix(".log").read_text(), read_rows(whole("averaged") / "history.csv")
    assert "updates     3 an epoch, each from 3 batches, the last from 2" in log
    assert "; adamw 0.05 times 0.5 whenever the loss has not fallen for 1 epochs, warm-up 0.7 epochs, averaged" in log
    assert "--class_weights=balanced changes nothing: all classes have as many examples" in log
    losses = [float(row["validation_loss"]) for row in rows]
    expected, best = [0.75 * 0.05, 0.05], losses[0]  # the third update is the last of three in the warm-up
    for loss in losses[1:-1]:
        expected.append(expected[-1] * (1.0 if loss < best - 1e-4 else 0.5))
        best = min(best, loss)
    assert [float(row["learning_rate"]) for row in rows] == pytest.approx(expected, rel=1e-5)
    results = json.loads((whole("averaged") / "results.json").read_text())
    assert results["best_epoch"] == 1 + losses.index(min(losses))
    # Smoothed labels cannot be learnt to a loss of nothing.
    floor = -(0.9 + 0.1 / 3) * np.log(0.9 + 0.1 / 3) - 2 * (0.1 / 3) * np.log(0.1 / 3)
    assert min(float(row["loss"]) for row in rows) > 0.8 * floor


def test_what_is_validated_exported_and_begun_with_are_the_averages():
    run_dir = whole("averaged")
    step = json.loads((run_dir / "results.json").read_text())["best_epoch"] * 8
    saved = load_checkpoint(run_dir / "checkpoints" / f"step-{step:08d}")
    variables, _ = best_variables(run_dir)
    given = list(variables.values())
    assert all(np.array_equal(one, other) for one, other in zip(given, saved.arrays["average"], strict=True))
    assert not all(np.array_equal(one, other) for one, other in zip(given, saved.arrays["model"], strict=True))
    results = json.loads((run_dir / "results.json").read_text())
    history = {int(row["epoch"]): row for row in read_rows(run_dir / "history.csv")}
    # Scored with the exported weights as they were validated: another set of weights has another loss.
    assert results["validation"]["loss"] == pytest.approx(
        float(history[results["best_epoch"]]["validation_loss"]), rel=1e-4
    )


def test_what_is_exported_says_the_same_of_a_picture_and_of_its_mirror():
    endpoint = tf.saved_model.load(str(whole("averaged") / "saved_model")).signatures["serve_images"]
    pixels = np.random.default_rng(2).integers(0, 256, (6, 16, 16, 3)).astype(np.uint8)
    one, other = (endpoint(images=tf.constant(seen))["probabilities"].numpy() for seen in (pixels, pixels[:, :, ::-1]))
    np.testing.assert_allclose(one, other, rtol=0, atol=1e-5)
    assert one.std(axis=0).max() > 1e-4


@pytest.mark.slow
def test_an_average_of_nothing_but_the_last_update_is_the_plain_run(tmp_path):
    plain = ("--precision=float32", "--epochs=2", "--optimizer=sgd", "--learning_rate=0.01")
    for name, flags in (("plain", ()), ("averaged", ("--ema_momentum=0.000001",))):
        done = train(tmp_path / name, *plain, *flags)
        assert done.code == 0, done.stderr
    one, other = (json.loads((tmp_path / name / "results.json").read_text()) for name in ("plain", "averaged"))
    assert one["weights_sha256"] == other["weights_sha256"]
    assert one["validation"]["loss"] == pytest.approx(other["validation"]["loss"], rel=1e-4)


def test_a_figure_on_validation_is_refused_where_there_is_no_such_split(tmp_path):
    done = train(tmp_path / "run", "--split_fractions=0.8,0,0.2", "--best_on=validation_loss", "--epochs=1")
    assert (done.code, done.stderr.count("\n")) == (2, 1)
    assert "--best_on=validation_loss: there is no validation split; name a figure on train" in done.stderr
    assert not (tmp_path / "run").exists()


# What the tests below put in the place of parts of jobs.duration.


def two_epochs(*_, **__):
    """jobs.duration.epochs_within, as if two fitted."""
    return 2, "two epochs"


def never(*_, **__):
    """jobs.train.decide_epochs, where it must not be called."""
    raise AssertionError("measured again")


def decide_and_die(run, state):
    """jobs.train.decide_epochs, killed right before the number is written down."""
    from jobs.duration import decide_epochs

    decide_epochs(run, state)
    kill()


def kill(*_, **__):
    """The power fails."""
    import os

    os.kill(os.getpid(), signal.SIGKILL)


def stub(place: str, name: str) -> tuple[str, str, str]:
    module, _, attribute = place.rpartition(".")
    return module, attribute, f"tests.end_to_end.recipe_test:{name}"


MINUTES = ("--train_minutes=3", "--schedule=cosine", "--precision=mixed_bfloat16", "--ema_momentum=0.9", "--l2=0.0001")
TWO = stub("jobs.duration.epochs_within", "two_epochs")


@pytest.fixture(scope="module")
def of_two_epochs(tmp_path_factory):
    """A run of which somebody said that it has two."""
    run_dir = tmp_path_factory.mktemp("two") / "run"
    done = train(run_dir, "--epochs=2", *MINUTES[1:])
    assert done.code == 0, done.stderr
    return run_dir


def test_a_run_of_some_minutes_is_that_of_its_number_of_epochs_and_goes_on_with_it(of_two_epochs, tmp_path):
    run_dir = tmp_path / "run"
    before = train(run_dir, *MINUTES, replaced=[TWO, stub("jobs.train.decide_epochs", "decide_and_die")])
    assert before.code == -signal.SIGKILL, before.stderr
    assert not (run_dir / "options.json").exists()
    # Measured again, as nothing was written down, and killed right after it was.
    after = train(run_dir, *MINUTES, replaced=[TWO, stub("jobs.train.sample_sheet", "kill")])
    assert after.code == -signal.SIGKILL, after.stderr
    assert "time        two epochs" in after.stdout
    options = json.loads((run_dir / "options.json").read_text())["training"]
    assert (options["epochs"], options["train_minutes"]) == (2, 3.0)
    assert "--epochs=2\n" in (run_dir / "flags.txt").read_text()
    never_again = [stub("jobs.train.decide_epochs", "never")]
    killed = train(run_dir, *MINUTES, replaced=never_again, **{kill_points.VARIABLE: "step.updated:11"})
    assert killed.code == -signal.SIGKILL, killed.stderr
    done = train(run_dir, *MINUTES, replaced=never_again)
    assert done.code == 0, done.stderr
    # The steps that were timed have left nothing behind.
    assert outcome(run_dir) == outcome(of_two_epochs)
    again = train(run_dir, *MINUTES, replaced=never_again)
    assert (again.code, "finished already" in again.stdout) == (0, True)
    other = train(run_dir, "--train_minutes=4", *MINUTES[1:])
    assert other.code == 2
    assert "--train_minutes=4: the run was begun with --train_minutes=3 and has 2 epochs" in other.stderr


def test_too_few_minutes_are_refused_with_those_that_would_do(tmp_path):
    done = train(tmp_path / "run", "--train_minutes=0.01")
    assert (done.code, done.stderr.count("\n")) == (2, 1)
    assert "--train_minutes=0.01: start, one epoch and the end take about 0." in done.stderr
    assert not (tmp_path / "run").exists()


def test_a_range_test_writes_a_curve_and_nothing_of_a_run(tmp_path):
    run_dir, flags = tmp_path / "run", ("--schedule=step", "--step_epochs=2", "--epochs=1", "--find_learning_rate")
    done = train(run_dir, *flags)
    assert done.code == 0, done.stderr
    assert sorted(path.name for path in run_dir.iterdir()) == [".lock", "learning_rate_range.csv",
                                                               "learning_rate_range.png"]  # fmt: skip
    rows = read_rows(run_dir / "learning_rate_range.csv")
    assert list(rows[0]) == ["learning_rate", "loss", "smoothed_loss"]
    assert float(rows[0]["learning_rate"]) == pytest.approx(1e-7)
    assert len(rows) > 50
    assert "suggested   --learning_rate=" in done.stdout
    first = (run_dir / "learning_rate_range.csv").read_bytes()
    assert (run_dir / "learning_rate_range.png").read_bytes().startswith(b"\x89PNG")
    assert train(run_dir, *flags).code == 0
    assert (run_dir / "learning_rate_range.csv").read_bytes() == first
    # A run begins there, and from the initial weights, whatever was tried before.
    for place in (run_dir, tmp_path / "other"):
        assert train(place, *flags[:3]).code == 0
    assert (
        json.loads((run_dir / "results.json").read_text())["weights_sha256"]
        == (json.loads((tmp_path / "other" / "results.json").read_text())["weights_sha256"])
    )
