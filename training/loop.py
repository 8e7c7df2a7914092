"""The loop: steps, epochs, validation, checkpoints. Everything it needs to go on is in a checkpoint."""

import dataclasses
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np

from base import kill_points
from base.errors import UserError
from base.signals import Stopped, StopRequest
from records.run_folder import RunFolder
from reports.progress import Reporter, epoch_line
from training.checkpoint import Checkpoint, keep_newest, save_checkpoint, to_arrays
from training.health import Trouble, find_bad_variable, find_trouble
from training.history import best_row, should_stop
from training.profile import Profiler
from training.step import TrainState

KEEP_CHECKPOINTS = 3
# How often the step's notes on its numbers are read, besides before every save: reading waits for an accelerator, which
# then stands still for the fraction of a millisecond until the next step reaches it.
LOOK_EVERY_STEPS = 100


@dataclasses.dataclass(frozen=True)
class LoopOptions:
    """What the loop is told.

    Attributes:
      run_dir: of history.csv and checkpoints/.
      epochs, examples, global_batch_size: the run's size; `examples` an epoch.
      early_stop_patience: epochs without improvement; 0 never stops early.
      checkpoint_every_steps: between epoch ends; 0 saves at epoch ends alone.
      identity: what the run is a function of; stored in each checkpoint.
    """

    run_dir: Path
    epochs: int
    examples: int
    global_batch_size: int
    early_stop_patience: int
    checkpoint_every_steps: int
    identity: dict

    @property
    def steps_per_epoch(self) -> int:
        """ceil(examples / global_batch_size)."""
        return -(-self.examples // self.global_batch_size)


@dataclasses.dataclass
class EpochClock:
    """Where the time of an epoch's steps goes. Validation and saving are not in it, padding is no example."""

    seconds: float = 0.0
    wait_seconds: float = 0.0
    steps: int = 0
    examples: int = 0

    def figures(self) -> dict[str, float]:
        """The timed columns of history.csv."""
        seconds = max(self.seconds, 1e-9)
        return {
            "images_per_second": self.examples / seconds,
            "input_wait_fraction": self.wait_seconds / seconds,
            "seconds": self.seconds,
            "step_seconds": (self.seconds - self.wait_seconds) / max(1, self.steps),
        }


class Loop:
    """Trains from `step` to the last epoch."""

    def __init__(
        self,
        options: LoopOptions,
        state: TrainState,
        reporter: Reporter,
        stop: StopRequest,
        profiler: Profiler,
        explain: Callable[[Trouble], str],
    ):
        """`explain` makes one line for the user of numbers gone bad."""
        self.options = options
        self.state = state
        self.step = 0
        self.history: list[dict] = []
        self._reporter = reporter
        self._stop = stop
        self._profiler = profiler
        self._explain = explain

    @property
    def _last_batch_size(self) -> int:
        return self.options.examples - (self.options.steps_per_epoch - 1) * self.options.global_batch_size

    @property
    def checkpoint_dir(self) -> Path:
        """Where checkpoints are."""
        return self.options.run_dir / "checkpoints"

    def run(
        self,
        batches: Iterator,
        train_step: Callable,
        validate: Callable[[], dict],
        learning_rate: Callable[[], float],
        stage_seconds: Callable[[], dict],
        on_epoch: Callable[[dict], None],
    ) -> None:
        """Trains to the end, or raises Stopped with a checkpoint saved; UserError where numbers went bad.

        Args:
          batches: yields the batch of `self.step`, then the following ones.
          train_step: batch -> None.
          validate: () -> {"validation_loss", "validation_accuracy"}, None each where there is no such split; raises
            Stopped where it was asked to stop on its way.
          learning_rate: () -> the rate that the last update was taken with.
          stage_seconds: () -> {"read_seconds", "decode_seconds", "augment_seconds", "transfer_seconds"} a batch.
          on_epoch: called with each new row of the history, once that row is in a checkpoint.
        """
        options = self.options
        if self.history:
            # A kill between an epoch's checkpoint and its row here would lose the row of the last epoch.
            RunFolder(options.run_dir).write_history(self.history)
        self._profiler.begin(self.step)
        self._reporter.start("training", options.epochs * options.steps_per_epoch, self.step)
        try:
            while len(self.history) < options.epochs and not should_stop(self.history, options.early_stop_patience):
                clock = self._train_epoch(batches, train_step)
                row = self._finish_epoch(clock, validate, learning_rate) | stage_seconds()
                self.history.append(row)
                self.state.sums.assign(np.zeros(3))
                self._save()
                RunFolder(options.run_dir).write_history(self.history)
                kill_points.reach("history.written")
                self._reporter.say(epoch_line(row, options.epochs))
                on_epoch(row)
        finally:
            self._profiler.close(self.step)
            self._reporter.stop()

    def _train_epoch(self, batches: Iterator, train_step: Callable) -> EpochClock:
        clock = EpochClock()
        epoch_end = (len(self.history) + 1) * self.options.steps_per_epoch
        while self.step < epoch_end:
            if self._stop:
                raise self._save_to_stop()
            with self._profiler.step(self.step + 1):
                began = time.perf_counter()
                batch = next(batches)
                arrived = time.perf_counter()
                kill_points.reach("step.begin")
                train_step(batch)
                self.step += 1
                kill_points.reach("step.updated")
                if self.step == epoch_end or self._profiler.is_edge(self.step):
                    # The step's last result: reading it waits for the device, so clock and profile see real steps.
                    float(self.state.sums[2])
                if self.step % LOOK_EVERY_STEPS == 0:
                    self._check_numbers()
                ended = time.perf_counter()
            clock.seconds += ended - began
            clock.steps += 1
            clock.wait_seconds += arrived - began
            clock.examples += self._last_batch_size if self.step == epoch_end else self.options.global_batch_size
            if self.step == epoch_end:
                self._check_numbers(before_a_save=True)
            self._show(clock)
            if self._checkpoint_due(epoch_end):
                self._check_numbers(before_a_save=True)
                self._save()
        return clock

    def _checkpoint_due(self, epoch_end: int) -> bool:
        cadence = self.options.checkpoint_every_steps
        return bool(cadence) and self.step % cadence == 0 and self.step != epoch_end

    def _show(self, clock: EpochClock) -> None:
        epoch = len(self.history) + 1
        note = f"{clock.figures()['images_per_second']:.0f} images/s"
        self._reporter.update(self.step, f"epoch {epoch}/{self.options.epochs}", note)

    def _finish_epoch(self, clock: EpochClock, validate: Callable, learning_rate: Callable) -> dict:
        try:
            return self._make_row(clock, validate, learning_rate)
        except Stopped:
            # The epoch's sums are saved with its last step: the resumed run has only the validation to do.
            raise self._save_to_stop() from None

    def _save_to_stop(self) -> Stopped:
        self._check_numbers(before_a_save=True)
        self._save()
        return Stopped(f"{self._stop.signal_name}: saved after step {self.step}")

    def _make_row(self, clock: EpochClock, validate: Callable, learning_rate: Callable) -> dict:
        loss_sum, correct, examples = np.asarray(self.state.sums).tolist()
        row = {"epoch": len(self.history) + 1, "step": self.step, "loss": loss_sum / examples,
               "accuracy": correct / examples}  # fmt: skip
        kill_points.reach("validation.begin")
        validation = validate()
        kill_points.reach("validation.end")
        return row | validation | {"learning_rate": learning_rate()} | clock.figures()

    def _check_numbers(self, before_a_save: bool = False) -> None:
        """Raises UserError for a bad step; `before_a_save` for a bad variable too, which only the next loss shows."""
        trouble = find_trouble(self.state.health)
        if trouble is None and before_a_save:
            trouble = find_bad_variable(self.state.variables, self.state.health, self.state.optimizer)
        if trouble:
            raise UserError(self._explain(trouble))

    def _save(self) -> None:
        if not self.options.run_dir.is_dir():
            raise UserError(
                f"the run folder {str(self.options.run_dir)!r} is not there any more: put it back under that name, and "
                "give the same command again"
            )
        arrays = to_arrays(self.state.variables)
        checkpoint = Checkpoint(self.step, self.history, self.options.identity, arrays)
        save_checkpoint(self.checkpoint_dir, checkpoint, self.state.variables)
        kill_points.reach("checkpoint.saved")
        best = best_row(self.history)
        keep_newest(self.checkpoint_dir, self.step, KEEP_CHECKPOINTS, {best["step"]} if best else set())
