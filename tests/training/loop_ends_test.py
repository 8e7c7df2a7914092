"""The loop is stopped, killed, goes on, stops early, or ends where numbers went bad."""

import numpy as np
import pytest

from base.signals import Stopped
from tests.helpers.run_fixtures import read_rows
from tests.helpers.watches import Silence
from tests.training.loop_test import EPOCHS, STEPS, Rig, untimed
from training import loop as loop_module
from training.checkpoint import load_newest
from training.health import NumbersError


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
            rig.watch.signal_name = "SIGTERM"
            rig.watch.check("in validation")
        return Rig.validate(rig)

    rig.validate = validate
    with pytest.raises(Stopped, match="SIGTERM: saved after step 20"):
        rig.run()
    again = Rig(tmp_path / "stopped").resume().run()
    assert again.steps == list(range(20, EPOCHS * STEPS))
    assert untimed(again.loop.history) == untimed(whole.loop.history)
    assert [row["epoch"] for row in again.rows] == [2, 3]
    assert float(again.weight) == float(whole.weight)


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


def test_a_kill_between_checkpoint_and_history_loses_no_row(tmp_path):
    class Killed(BaseException):
        pass

    class Deadly:
        def write(self, history):
            if len(history) == EPOCHS:
                raise Killed

    rig = Rig(tmp_path)
    rig.folder.history = Deadly()
    with pytest.raises(Killed):
        rig.run()
    assert Rig(tmp_path).resume().run().steps == []
    assert [row["epoch"] for row in read_rows(tmp_path / "history.csv")] == ["1", "2", "3"]


@pytest.mark.parametrize("cadence", [0, 2])
def test_a_loss_that_is_not_finite_is_named_by_its_step_and_never_saved(cadence, tmp_path):
    rig = Rig(tmp_path, cadence=cadence, diverges_at=13)
    with pytest.raises(NumbersError, match=r"^the training loss became nan in step 14$"):
        rig.run()
    assert rig.loop.step == (14 if cadence else 20)
    newest = load_newest(rig.folder.checkpoints, Silence())
    assert newest.step == (12 if cadence else 10)
    assert all(np.isfinite(array).all() for part in newest.arrays.values() for array in part)


def test_within_so_many_steps_trouble_is_noticed(tmp_path, monkeypatch):
    assert loop_module.LOOK_EVERY_STEPS == 100
    monkeypatch.setattr(loop_module, "LOOK_EVERY_STEPS", 4)
    rig = Rig(tmp_path, diverges_at=13)
    with pytest.raises(NumbersError, match=r"in step 14$"):
        rig.run()
    assert rig.loop.step == 16


def test_a_stop_after_a_bad_step_does_not_save_it(tmp_path):
    rig = Rig(tmp_path, diverges_at=13)
    rig.stop_after = 15
    with pytest.raises(NumbersError, match=r"in step 14$"):
        rig.run()
    assert rig.kept() == [10]


@pytest.mark.parametrize(("cadence", "breaks_at", "kept"), [(4, 15, [8, 10, 12]), (0, 19, [10])])
def test_an_update_that_breaks_a_weight_is_not_saved_before_a_loss_has_shown_it(cadence, breaks_at, kept, tmp_path):
    rig = Rig(tmp_path, cadence=cadence)
    plain_step = rig.train_step

    def train_step(step, is_full, is_update):
        plain_step(step, is_full, is_update)
        if step == breaks_at:
            rig.weight.assign(np.inf)
            rig.validate = lambda: pytest.fail("weights that are not finite were scored")

    rig.train_step = train_step
    words = f"^the update left a NaN or an Inf in total:0 in step {breaks_at + 1}$"
    with pytest.raises(NumbersError, match=words) as caught:
        rig.run()
    trouble = caught.value.trouble
    assert (trouble.updates, trouble.loss_scale, trouble.bad_rows.tolist()) == (breaks_at, None, [])
    assert rig.kept() == kept
