"""The loop: steps in order, rows, checkpoints where they are due, stops, resumes, divergence."""

import itertools
import os
import signal
import time

import numpy as np
import pytest
import tensorflow as tf

from base.errors import UserError
from base.signals import Stopped, StopRequest
from records.history import TIMED_COLUMNS
from reports.progress import Reporter
from tests.helpers.run_fixtures import read_rows
from training import loop as loop_module
from training.checkpoint import load_newest, restore
from training.health import make_notes, note_step
from training.loop import Loop, LoopOptions
from training.profile import Profiler
from training.step import TrainState

EPOCHS, STEPS, PADDING = 3, 10, 5
STAGE_SECONDS = {"read_seconds": 0.5, "decode_seconds": 0.0, "augment_seconds": 0.25, "transfer_seconds": 0.0}


class Variables:
    """Stands in for a model or an optimizer: one variable."""

    def __init__(self):
        self.variables = [tf.Variable(0.0, name="total")]


class Rig:
    """A loop over batches that are step numbers, each a loss; the weight adds them up, the order matters."""

    def __init__(self, run_dir, epochs=EPOCHS, patience=0, cadence=0, diverges_at=None, window=None):
        options = LoopOptions(run_dir, epochs, STEPS * 8 - PADDING, 8, patience, cadence, {"threads": 2})
        run_dir.mkdir(parents=True, exist_ok=True)
        self.state = TrainState(Variables(), Variables(), tf.Variable(np.zeros(3), name="sums"), make_notes(8))
        self.stop = StopRequest()
        self.said = []
        profiler = Profiler(window, epochs * STEPS, run_dir / "train", self.said.append)
        self.loop = Loop(options, self.state, Reporter(), self.stop, profiler, self.explain)
        self.steps, self.rows, self.stop_after, self.diverges_at = [], [], None, diverges_at
        self.validation_losses = iter([])

    def train_step(self, step):
        self.steps.append(step)
        self.weight.assign(self.weight * 1.5 + step)
        loss = float("nan") if step == self.diverges_at else float(step)
        self.state.sums.assign_add([loss * 8, 4.0, 8.0])
        note_step(self.state.health, tf.constant(loss * 8, tf.float64), np.zeros(8), self.state.optimizer, None)
        if step == self.stop_after:
            self.stop._receive(signal.SIGTERM, None)

    def explain(self, trouble):
        self.trouble = trouble
        return f"{trouble.what} in step {trouble.step}"

    @property
    def weight(self):
        return self.state.model.variables[0]

    def validate(self):
        loss = next(self.validation_losses, 1.0 / (1 + len(self.loop.history)))
        return {"validation_loss": loss, "validation_accuracy": 0.5}

    def run(self):
        steps = iter(range(self.loop.step, 10**6))
        stages = lambda: STAGE_SECONDS  # noqa: E731
        rate = lambda: 0.1 * (self.loop.step - 1)  # noqa: E731
        self.loop.run(steps, self.train_step, self.validate, rate, stages, self.rows.append)
        return self

    def resume(self):
        saved = load_newest(self.loop.checkpoint_dir, pytest.fail)
        restore(self.state.variables, saved.arrays)
        self.loop.step, self.loop.history = saved.step, saved.history
        return self

    def kept(self):
        return sorted(int(name.removeprefix("step-")) for name in os.listdir(self.loop.checkpoint_dir))


def untimed(rows):
    return [{k: v for k, v in row.items() if k not in TIMED_COLUMNS} for row in rows]


def test_every_step_is_taken_once_and_every_epoch_has_a_row(tmp_path):
    rig = Rig(tmp_path).run()
    assert rig.steps == list(range(EPOCHS * STEPS))
    assert [row["epoch"] for row in rig.rows] == [1, 2, 3]
    assert [row["step"] for row in rig.rows] == [10, 20, 30]
    # The mean over the epoch's examples, and nothing of the epoch before.
    assert [row["loss"] for row in rig.rows] == [4.5, 14.5, 24.5]
    assert [row["accuracy"] for row in rig.rows] == [0.5, 0.5, 0.5]
    assert [row["learning_rate"] for row in rig.rows] == [0.1 * 9, 0.1 * 19, 0.1 * 29]
    rows = read_rows(tmp_path / "history.csv")
    assert [float(row["loss"]) for row in rows] == [4.5, 14.5, 24.5]
    assert all(0 <= float(row["input_wait_fraction"]) <= 1 and float(row["seconds"]) > 0 for row in rows)


def test_padding_is_not_counted_as_images(tmp_path):
    rows = Rig(tmp_path).run().rows
    images = [row["images_per_second"] * row["seconds"] for row in rows]
    np.testing.assert_allclose(images, [STEPS * 8 - PADDING] * EPOCHS)


def test_checkpoints_come_at_epoch_ends_and_in_between_when_asked(tmp_path):
    assert Rig(tmp_path / "ends").run().kept() == [10, 20, 30]
    # The newest three, and step 30, which is the best epoch and the last.
    assert Rig(tmp_path / "between", cadence=4).run().kept() == [24, 28, 30]


def test_no_step_is_saved_twice(tmp_path, monkeypatch):
    saved = []
    save = loop_module.save_checkpoint
    monkeypatch.setattr(loop_module, "save_checkpoint", lambda *args: saved.append(args[1].step) or save(*args))
    Rig(tmp_path, cadence=5).run()
    assert saved == [5, 10, 15, 20, 25, 30]


def test_the_best_epochs_checkpoint_is_kept(tmp_path):
    rig = Rig(tmp_path, epochs=6)
    rig.validation_losses = iter([3.0, 1.0, 2.0, 2.0, 2.0, 2.0])
    assert rig.run().kept() == [20, 40, 50, 60]


@pytest.mark.parametrize("stop_after", [0, 3, 9, 10, 28])
def test_a_stop_saves_and_the_resumed_loop_ends_the_same(stop_after, tmp_path):
    whole = Rig(tmp_path / "whole").run()
    rig = Rig(tmp_path / "stopped")
    rig.stop_after = stop_after
    with pytest.raises(Stopped, match=f"SIGTERM: saved after step {stop_after + 1}"):
        rig.run()
    assert rig.steps == list(range(stop_after + 1))
    again = Rig(tmp_path / "stopped").resume().run()
    assert again.steps == list(range(stop_after + 1, EPOCHS * STEPS))
    assert float(again.weight) == float(whole.weight)
    assert untimed(again.loop.history) == untimed(whole.loop.history)
    assert untimed(read_rows(tmp_path / "stopped" / "history.csv")) == untimed(
        read_rows(tmp_path / "whole" / "history.csv")
    )


def test_a_stop_in_validation_saves_the_whole_epoch_and_only_validation_is_done_again(tmp_path):
    whole = Rig(tmp_path / "whole").run()
    rig = Rig(tmp_path / "stopped")

    def validate():
        if len(rig.loop.history) == 1:
            rig.stop._receive(signal.SIGTERM, None)
            rig.stop.check("in validation")
        return Rig.validate(rig)

    rig.validate = validate
    with pytest.raises(Stopped, match="SIGTERM: saved after step 20"):
        rig.run()
    again = Rig(tmp_path / "stopped").resume().run()
    assert again.steps == list(range(20, EPOCHS * STEPS))
    assert untimed(again.loop.history) == untimed(whole.loop.history)
    assert [row["epoch"] for row in again.rows] == [2, 3]
    assert float(again.weight) == float(whole.weight)


def test_a_clock_that_is_set_back_changes_no_duration(tmp_path, monkeypatch):
    hours = itertools.count(1e9, -3600)
    monkeypatch.setattr(time, "time", lambda: next(hours))
    for row in Rig(tmp_path).run().rows:
        assert 0 < row["seconds"] < 3600
        assert 0 <= row["input_wait_fraction"] <= 1


def test_a_signal_with_the_last_step_lets_the_run_finish(tmp_path):
    rig = Rig(tmp_path)
    rig.stop_after = EPOCHS * STEPS - 1
    assert len(rig.run().rows) == EPOCHS


def test_early_stopping_holds_after_a_resume(tmp_path):
    losses = [3.0, 2.0, 2.5, 2.5, 1.0, 1.0]
    rig = Rig(tmp_path, epochs=6, patience=2)
    rig.validation_losses = iter(losses)
    assert len(rig.run().rows) == 4
    again = Rig(tmp_path, epochs=6, patience=2).resume().run()
    assert (again.steps, len(again.loop.history)) == ([], 4)


def test_a_kill_between_checkpoint_and_history_loses_no_row(tmp_path, monkeypatch):
    class Killed(BaseException):
        pass

    def die(folder, history):
        if len(history) == EPOCHS:
            raise Killed

    with monkeypatch.context() as patch:
        patch.setattr(loop_module.RunFolder, "write_history", die)
        with pytest.raises(Killed):
            Rig(tmp_path).run()
    assert Rig(tmp_path).resume().run().steps == []
    assert [row["epoch"] for row in read_rows(tmp_path / "history.csv")] == ["1", "2", "3"]


@pytest.mark.parametrize("cadence", [0, 2])
def test_a_loss_that_is_not_finite_is_named_by_its_step_and_never_saved(cadence, tmp_path):
    rig = Rig(tmp_path, cadence=cadence, diverges_at=13)
    with pytest.raises(UserError, match=r"^the training loss became nan in step 14$"):
        rig.run()
    assert rig.loop.step == (14 if cadence else 20)
    newest = load_newest(rig.loop.checkpoint_dir, pytest.fail)
    assert newest.step == (12 if cadence else 10)
    assert all(np.isfinite(array).all() for array in newest.arrays)


def test_within_so_many_steps_trouble_is_noticed(tmp_path, monkeypatch):
    assert loop_module.LOOK_EVERY_STEPS == 100
    monkeypatch.setattr(loop_module, "LOOK_EVERY_STEPS", 4)
    rig = Rig(tmp_path, diverges_at=13)
    with pytest.raises(UserError, match=r"in step 14$"):
        rig.run()
    assert rig.loop.step == 16


def test_a_stop_after_a_bad_step_does_not_save_it(tmp_path):
    rig = Rig(tmp_path, diverges_at=13)
    rig.stop_after = 15
    with pytest.raises(UserError, match=r"in step 14$"):
        rig.run()
    assert rig.kept() == [10]


@pytest.mark.parametrize(("cadence", "breaks_at", "kept"), [(4, 15, [8, 10, 12]), (0, 19, [10])])
def test_an_update_that_breaks_a_weight_is_not_saved_before_a_loss_has_shown_it(cadence, breaks_at, kept, tmp_path):
    rig = Rig(tmp_path, cadence=cadence)
    plain_step = rig.train_step

    def train_step(step):
        plain_step(step)
        if step == breaks_at:
            rig.weight.assign(np.inf)
            rig.validate = lambda: pytest.fail("weights that are not finite were scored")

    rig.train_step = train_step
    with pytest.raises(UserError, match=f"^the update left a NaN or an Inf in total:0 in step {breaks_at + 1}$"):
        rig.run()
    assert (rig.trouble.updates, rig.trouble.loss_scale, rig.trouble.bad_rows.tolist()) == (breaks_at, None, [])
    assert rig.kept() == kept
