"""The loop: steps, epochs, validation, checkpoints. Everything it needs to go on is in a checkpoint."""

import dataclasses
import time
from collections.abc import Callable, Iterator

import numpy as np

from base import kill_points
from base.errors import UserError
from base.signals import Stopped
from base.watch import Watch
from pipeline.order import Order
from records.run_folder import RunFolder
from training.checkpoint import Checkpoint, keep_newest, restore, save_checkpoint, to_arrays
from training.clock import EpochClock, RunClock
from training.health import NumbersError, find_bad_variable, find_trouble
from training.history import best_row, epoch_line
from training.phases import Phase
from training.profile import Profiler
from training.step import TrainState

KEEP_CHECKPOINTS = 3
# How often the step's notes on its numbers are read, besides before every save: reading waits for an accelerator, which
# then stands still for the fraction of a millisecond until the next step reaches it.
LOOK_EVERY_STEPS = 100


class Loop:
    """Trains from `step` to the last epoch of a phase.

    Attributes:
      phase: which it is.
      state: what is trained.
      folder: of the run; its history.csv and checkpoints are the loop's.
      identity: what the run is a function of; stored in each checkpoint.
      step: updates done, of all phases; whoever goes on sets it, and `history`, before the first epoch.
      history: a row an epoch, as in history.csv, of all phases.
      epoch_clock: of the epoch that is under way; a resumed run sets it too.
      run_clock: of the whole run.
    """

    def __init__(self, phase: Phase, order: Order, state: TrainState, folder: RunFolder, watch: Watch,
                 profiler: Profiler, identity: dict, run_clock: RunClock):  # fmt: skip
        """Args: `phase` says when it ends and how often it is saved, `order` how long an epoch is."""
        self.phase, self.state, self.folder, self.identity = phase, state, folder, identity
        self.step, self.history, self._all_epochs = 0, [], 0
        self.epoch_clock, self.run_clock, self._traced = EpochClock(), run_clock, set()
        self._options, self._order, self._watch, self._profiler = phase.options, order, watch, profiler

    @property
    def rows(self) -> list[dict]:
        """Of the history, those of this phase."""
        return self.phase.rows(self.history)

    @property
    def first_step(self) -> int:
        """The updates before this phase."""
        return (len(self.history) - len(self.rows)) * self._order.steps_per_epoch

    @property
    def last_step(self) -> int:
        """The updates up to the end of this phase; early stopping may come before."""
        return self.first_step + self._options.epochs * self._order.steps_per_epoch

    def follow(self, before: "Loop") -> None:
        """Goes on where the loop of the phase before this one ended: the model is the same, the optimizer begins."""
        self.step, self.history, self.epoch_clock = before.step, before.history, EpochClock()
        self.state.begin_average()

    def go_on(self, saved: Checkpoint) -> None:
        """Puts state, step, history and clocks where a checkpoint left them.

        One that was saved where the phase begins gives the model alone: a phase begins with what the one before it
        has learnt, and with an optimizer of its own.
        """
        self.step, self.history = saved.step, saved.history
        parts = self.state.parts
        if saved.step > self.first_step:
            restore(parts, saved.arrays)
        else:
            restore({"model": parts["model"]}, {"model": saved.arrays["model"]})
            self.state.begin_average()
        self.epoch_clock = EpochClock(**saved.times["epoch"])
        self.run_clock.go_on(saved.times["seconds"], saved.times["starts"])

    def epochs(self, batches: Iterator, train_step: Callable, measure: Callable[[], dict]) -> Iterator[dict]:
        """Trains epoch by epoch; yields each new row of the history once it is in a checkpoint and in history.csv.

        Args:
          batches: that of `self.step`, then the following ones, for `train_step`, which takes (batch, is_full,
            is_update) too.
          measure: () -> the columns of the row that the loop does not know: validation's figures (None where there is
            no such split), learning rate, seconds a stage. Raises Stopped where it was asked to stop on its way.

        Raises:
          Stopped: somebody asked to stop; a checkpoint is saved.
          NumbersError: numbers went bad; the checkpoints before are kept.
          UserError: the run folder is gone.
        """
        if self.history:
            # A kill between an epoch's checkpoint and its row here would lose the row of the last epoch.
            self.folder.history.write(self.history)
        # Of all phases, as far as it is known now: early stopping ends the one that it ends.
        self._all_epochs = self.last_step // self._order.steps_per_epoch + self.phase.epochs_after
        self._profiler.begin(self.step)
        self._show("")
        try:
            while not self.phase.is_over(self.history):
                self._train_epoch(batches, train_step)
                self.history.append(self._make_row(measure))
                self.state.sums.assign(np.zeros(3))
                self.epoch_clock = EpochClock()
                self._save()
                self.folder.history.write(self.history)
                kill_points.reach("history.written")
                self._watch.say(epoch_line(self.history[-1], self._all_epochs))
                yield self.history[-1]
        finally:
            more_follow = self.phase.epochs_after > 0 and self.phase.is_over(self.history)
            self._profiler.close(self.step, more_follow)
            self._watch.close()

    def _train_epoch(self, batches: Iterator, train_step: Callable) -> None:
        epoch_end = (len(self.history) + 1) * self._order.steps_per_epoch
        while self.step < epoch_end:
            if self._watch.stop_asked:
                raise self._save_to_stop()
            is_update = self._is_update(self.step % self._order.steps_per_epoch + 1)
            with self._profiler.step(self.step + 1):
                began = time.perf_counter()
                batch = next(batches)
                arrived = time.perf_counter()
                kill_points.reach("step.begin")
                examples = self._batch_examples(self.step + 1 == epoch_end)
                is_full = examples == self._order.global_batch_size
                train_step(batch, is_full, is_update)
                self.step += 1
                kill_points.reach("step.updated")
                if self.step == epoch_end or self._profiler.is_edge(self.step):
                    # The step's last result: reading it waits for the device, so clock and profile see real steps.
                    float(self.state.sums[2])
                if self.step % LOOK_EVERY_STEPS == 0:
                    self._check_numbers()
                ended = time.perf_counter()
            if (is_full, is_update) in self._traced:
                self.epoch_clock.add(ended - began, arrived - began, examples)
            self._traced.add((is_full, is_update))
            self._watch.save_first()
            if self.step == epoch_end:
                self._check_numbers(before_a_save=True)
            self._show(f"{self.epoch_clock.figures()['images_per_second'] or 0:.0f} images/s")
            cadence = self._options.checkpoint_every_steps
            if cadence and self.step % cadence == 0 and self.step != epoch_end:
                self._check_numbers(before_a_save=True)
                self._save()

    def _is_update(self, done: int) -> bool:
        """Whether so many steps of an epoch end with an update: the last one does, so that no gradient is left over."""
        return done % self._options.accumulate_steps == 0 or done == self._order.steps_per_epoch

    def _batch_examples(self, is_last: bool) -> int:
        size = self._order.global_batch_size
        return len(self._order.example_ids) - (self._order.steps_per_epoch - 1) * size if is_last else size

    def _show(self, note: str) -> None:
        epochs = self._all_epochs
        doing = f"epoch {min(len(self.history) + 1, epochs)}/{epochs}"
        self._watch.progress(self.step, epochs * self._order.steps_per_epoch, doing, note)

    def _make_row(self, measure: Callable[[], dict]) -> dict:
        loss_sum, correct, examples = np.asarray(self.state.sums).tolist()
        row = {"epoch": len(self.history) + 1, "step": self.step, "phase": self.phase.name}
        row |= {"loss": loss_sum / examples, "accuracy": correct / examples}
        kill_points.reach("validation.begin")
        try:
            measured = measure()
        except Stopped:
            # The epoch's sums are saved with its last step: the resumed run has only the validation to do.
            raise self._save_to_stop() from None
        kill_points.reach("validation.end")
        return row | measured | self.epoch_clock.figures()

    def _save_to_stop(self) -> Stopped:
        self._watch.say(f"saving      step {self.step}")
        self._check_numbers(before_a_save=True)
        self._save()
        return Stopped(f"{self._watch.stop_asked}: saved after step {self.step}")

    def _check_numbers(self, before_a_save: bool = False) -> None:
        """Raises NumbersError for a bad step; `before_a_save` for a bad variable too, which no loss has shown."""
        trouble = find_trouble(self.state.health)
        if trouble is None and before_a_save:
            trouble = find_bad_variable(self.state.variables, self.state.health, self.state.optimizer)
        if trouble:  # the notes count the phase's own steps
            raise NumbersError(dataclasses.replace(trouble, step=trouble.step + self.first_step), self.history)

    def _save(self) -> None:
        if not self.folder.path.is_dir():
            raise UserError(
                f"the run folder {str(self.folder.path)!r} is not there any more: put it back under that name, and "
                "give the same command again"
            )
        self._watch.save_first()  # a start may begin with the validation of an epoch, whose row is then to be saved
        parts = self.state.parts
        arrays = {part: to_arrays(variables) for part, variables in parts.items()}
        times = {"epoch": dataclasses.asdict(self.epoch_clock), "seconds": self.run_clock.seconds,
                 "starts": self.run_clock.starts}  # fmt: skip
        checkpoint = Checkpoint(self.step, self.history, self.identity, arrays, times)
        save_checkpoint(self.folder.checkpoints, checkpoint, parts)
        kill_points.reach("checkpoint.saved")
        best = best_row(self.history, self._options.best_on)
        keep_newest(self.folder.checkpoints, self.step, KEEP_CHECKPOINTS, {best["step"]} if best else set())
