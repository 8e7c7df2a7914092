"""The loop: steps in order, rows, checkpoints where they are due."""

import dataclasses
import itertools
import os
import time

import numpy as np
import pytest
import tensorflow as tf

from base.errors import UserError
from base.signals import Stopped
from pipeline.order import Order
from records.history import TIMED_COLUMNS
from records.run_folder import RunFolder
from tests.helpers.run_fixtures import read_rows
from tests.helpers.watches import Recording, Silence
from training import loop as loop_module
from training.checkpoint import load_newest
from training.clock import EpochClock, RunClock
from training.health import make_notes, note_step
from training.loop import Loop
from training.options import TrainingOptions
from training.phases import Phase
from training.profile import Profiler
from training.step import TrainState

EPOCHS, STEPS, PADDING = 3, 10, 5
STAGE_SECONDS = {"read_seconds": 0.5, "decode_seconds": 0.0, "augment_seconds": 0.25, "transfer_seconds": 0.0}


class Variables:
    """Stands in for a model or an optimizer: one variable."""

    def __init__(self):
        self.variables = [tf.Variable(0.0, name="total")]


class Signalled(Recording):
    """Remembers; a signal comes by setting `signal_name`."""

    signal_name = ""

    @property
    def stop_asked(self):
        return self.signal_name


class Rig:
    """A loop over batches that are step numbers, each a loss; the weight adds them up, the order matters."""

    def __init__(self, run_dir, epochs=EPOCHS, patience=0, cadence=0, diverges_at=None, window=None, accumulate=1, *,
                 phase="all", epochs_after=0, profiler=None):  # fmt: skip
        options = TrainingOptions(
            epochs=epochs, global_batch_size=8, early_stop_patience=patience, checkpoint_every_steps=cadence,
            accumulate_steps=accumulate,
        )  # fmt: skip
        order = Order(np.arange(STEPS * 8 - PADDING), 8, seed=1, shuffle=True)
        self.state = TrainState(Variables(), Variables(), tf.Variable(np.zeros(3), name="sums"), make_notes(8))
        run_dir.mkdir(parents=True, exist_ok=True)
        self.folder, self.watch = RunFolder(run_dir), Signalled()
        profiler = profiler or Profiler(window, epochs * STEPS, run_dir / "train", self.watch)
        phase = Phase(phase, options, epochs_after)
        self.loop = Loop(phase, order, self.state, self.folder, self.watch, profiler, {"threads": 2}, RunClock(0.0))
        self.steps, self.rows, self.stop_after, self.diverges_at = [], [], None, diverges_at
        self.validation_losses, self.full, self.updates = iter([]), [], []

    def train_step(self, step, is_full, is_update):
        self.full.append(is_full)
        self.updates.append(is_update)
        self.steps.append(step)
        self.weight.assign(self.weight * 1.5 + step)
        loss = float("nan") if step == self.diverges_at else float(step)
        self.state.sums.assign_add([loss * 8, 4.0, 8.0])
        note_step(self.state.health, tf.constant(loss * 8, tf.float64), np.zeros(8), self.state.optimizer, None)
        if step == self.stop_after:
            self.watch.signal_name = "SIGTERM"

    @property
    def weight(self):
        return self.state.model.variables[0]

    def validate(self):
        loss = next(self.validation_losses, 1.0 / (1 + len(self.loop.history)))
        return {"validation_loss": loss, "validation_accuracy": 0.5}

    def measure(self):
        return self.validate() | {"learning_rate": 0.1 * (self.loop.step - 1)} | STAGE_SECONDS

    def run(self):
        for row in self.loop.epochs(iter(range(self.loop.step, 10**6)), self.train_step, self.measure):
            self.rows.append(row)
        return self

    @property
    def said(self):
        return [line for line in self.watch.lines if not line.startswith("epoch")]

    def resume(self):
        self.loop.go_on(load_newest(self.folder.checkpoints, Silence()))
        return self

    def kept(self):
        return sorted(int(name.removeprefix("step-")) for name in os.listdir(self.folder.checkpoints))


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


def test_the_step_is_told_which_batches_are_full(tmp_path):
    assert Rig(tmp_path).run().full == [*[True] * (STEPS - 1), False] * EPOCHS


def test_every_few_steps_and_an_epochs_last_one_are_updates(tmp_path):
    assert Rig(tmp_path / "each").run().updates == [True] * EPOCHS * STEPS
    rig = Rig(tmp_path / "fourth", accumulate=4)
    rig.stop_after = 15  # in the second epoch, in the middle of a group
    with pytest.raises(Stopped):
        rig.run()
    rest = Rig(tmp_path / "fourth", accumulate=4).resume().run()
    assert [n for n, is_update in enumerate(rig.updates + rest.updates) if is_update] == [
        epoch * STEPS + step for epoch in range(EPOCHS) for step in (3, 7, 9)
    ]


def test_a_row_is_saved_and_written_before_it_is_seen(tmp_path):
    rig = Rig(tmp_path)
    for row in rig.loop.epochs(iter(range(10**6)), rig.train_step, rig.measure):
        saved = load_newest(rig.folder.checkpoints, Silence())
        assert (saved.step, saved.history[-1], saved.identity) == (row["step"], row, {"threads": 2})
        assert [line["epoch"] for line in read_rows(tmp_path / "history.csv")][-1] == str(row["epoch"])
        assert rig.watch.lines[-1].startswith(f"epoch {row['epoch']}/3  loss ")


def test_the_watch_sees_every_step(tmp_path):
    rig = Rig(tmp_path).run()
    shown = [(step, EPOCHS * STEPS, f"epoch {1 + (step - 1) // STEPS}/3") for step in range(1, EPOCHS * STEPS + 1)]
    assert rig.watch.steps == [(0, EPOCHS * STEPS, "epoch 1/3"), *shown]


def test_a_run_folder_that_is_gone_is_named(tmp_path):
    rig = Rig(tmp_path / "run")
    (tmp_path / "run").rename(tmp_path / "elsewhere")
    with pytest.raises(UserError, match=r"the run folder '.*/run' is not there any more: put it back under that name"):
        rig.run()
    assert not (tmp_path / "run").exists()


def images_of(rows) -> list[float]:
    return [row["images_per_second"] * row["seconds"] for row in rows]


def test_padding_is_not_counted_as_images_nor_the_steps_that_are_traced(tmp_path):
    rows = Rig(tmp_path).run().rows
    # The first full one and the first padded one.
    np.testing.assert_allclose(images_of(rows), [(STEPS - 2) * 8, *[STEPS * 8 - PADDING] * (EPOCHS - 1)])


def test_the_times_of_all_starts_are_added_up(tmp_path):
    first = Rig(tmp_path)
    first.stop_after = 13  # in the second epoch, three steps of which are timed
    with pytest.raises(Stopped):
        first.run()
    second = Rig(tmp_path)
    saved = load_newest(tmp_path / "checkpoints", Silence())
    assert (saved.times["starts"], saved.times["epoch"]["steps"]) == (1, 4)
    second.loop.go_on(dataclasses.replace(saved, times=saved.times | {"seconds": 60.0}))
    second.run()
    assert (second.loop.run_clock.starts, second.loop.run_clock.seconds > 60) == (2, True)
    # Of the second epoch all steps but the two that the second start traced.
    np.testing.assert_allclose(images_of(second.rows), [(STEPS - 2) * 8, STEPS * 8 - PADDING])


def test_an_epoch_of_which_no_step_was_timed_has_no_rate():
    assert EpochClock().figures() == {"images_per_second": None, "input_wait_fraction": None, "step_seconds": None,
                                      "seconds": 0.0}  # fmt: skip


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


def test_a_clock_that_is_set_back_changes_no_duration(tmp_path, monkeypatch):
    hours = itertools.count(1e9, -3600)
    monkeypatch.setattr(time, "time", lambda: next(hours))
    for row in Rig(tmp_path).run().rows:
        assert 0 < row["seconds"] < 3600
        assert 0 <= row["input_wait_fraction"] <= 1
