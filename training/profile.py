"""--profile_steps: a profile of some steps, written where TensorBoard's Profile tab looks for it."""

import contextlib
from collections.abc import Iterator
from pathlib import Path

import tensorflow as tf

from base.errors import UserError
from base.watch import Watch
from training.step_ops import where_a_step_goes


class Profiler:
    """Records a window of steps; outside of it, it costs a comparison a step.

    It only looks on: where TensorFlow's profiler fails, one line says so and the run goes on.
    """

    def __init__(self, window: tuple[int, int] | None, last_step: int, folder: Path, watch: Watch):
        """Starts nothing yet; raises UserError where the window ends after `last_step`, the run's.

        Args:
          window: first and last step to record, counted over all epochs from 1; None records none.
          folder: gets plugins/profile/TIME/HOST.xplane.pb; one with event files, which TensorBoard lists as a run.
        """
        first, last = window or (1, 0)
        if last > last_step:
            raise UserError(
                f"--profile_steps={first},{last}: the last step of this run is {last_step}; give steps from 1 to that"
            )
        self._window = range(first, last + 1)
        self._folder, self._watch = folder, watch
        self._recorded: list[int] | None = None  # a list while the profiler runs

    def begin(self, done: int) -> None:
        """Says so where a run that goes on after step `done` has the whole window behind it."""
        if self._window and done >= self._window[-1]:
            self._give_up(f"not recorded: the run goes on after step {done}, past {self._flag}")

    def is_edge(self, step: int) -> bool:
        """Whether the device must be idle after `step`, so that the profile holds the window's work and no other."""
        return bool(self._window) and step in (self._window[0] - 1, self._window[-1])

    @contextlib.contextmanager
    def step(self, number: int) -> Iterator[None]:
        """Around step `number`, the wait for its batch included."""
        if number in self._window and self._recorded is None:
            try:
                tf.profiler.experimental.start(str(self._folder))
                self._recorded = []
            except Exception as error:  # whatever it is, it must not cost the run
                self._give_up(_failure(error))
        if self._recorded is None:
            yield
            return
        # This name and _r=1 (a root event) are what the step-time graph is made from.
        with tf.profiler.experimental.Trace("train", step_num=number, _r=1):
            yield
        self._recorded.append(number)
        if number == self._window[-1]:
            self._finish()

    def close(self, done: int, more_follow: bool = False) -> None:
        """Ends the recording where the run stops within the window, after step `done`; says where it never began.

        `more_follow` says that a phase has ended, and the window may lie in another.
        """
        if self._recorded is not None:
            self._finish()
        elif self._window and not more_follow:
            self._give_up(f"not recorded: the run ended with step {done}, before {self._flag}")

    @property
    def _flag(self) -> str:
        return f"--profile_steps={self._window[0]},{self._window[-1]}"

    def _finish(self) -> None:
        recorded, self._recorded, self._window = self._recorded, None, range(0)
        try:
            tf.profiler.experimental.stop(save=bool(recorded))
            if recorded:
                self._say_where(recorded)
        except Exception as error:  # as above
            self._give_up(_failure(error))

    def _say_where(self, recorded: list[int]) -> None:
        path = max(self._folder.glob("plugins/profile/*/*.xplane.pb"), key=lambda path: path.stat().st_mtime_ns)
        self._watch.say(
            f"profile     steps {recorded[0]} to {recorded[-1]} in {path.parent}; to look: "
            f"pip install -r requirements-profile.txt, tensorboard --logdir {self._folder.parent}, tab Profile"
        )
        if words := where_a_step_goes(path):
            self._watch.say(f"  where a step goes: {words}")

    def _give_up(self, words: str) -> None:
        self._window = range(0)
        self._watch.say(f"profile     {words}")


def _failure(error: Exception) -> str:
    return f"warning: none, the profiler failed ({' '.join(str(error).split())}); the run goes on without it"
