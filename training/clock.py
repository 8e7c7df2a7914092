"""Where the time of a run goes: of an epoch's steps, and of all its starts. Kept in checkpoints, so nothing is lost."""

import dataclasses
import time


@dataclasses.dataclass
class EpochClock:
    """Where the time of an epoch's steps goes. Validation and saving are not in it, padding is no example, and neither
    is a start's first step, full or padded, in which the step is traced and compiled."""

    seconds: float = 0.0
    wait_seconds: float = 0.0
    steps: int = 0
    examples: int = 0

    def add(self, seconds: float, wait_seconds: float, examples: int) -> None:
        """Counts a step."""
        self.seconds += seconds
        self.wait_seconds += wait_seconds
        self.steps += 1
        self.examples += examples

    def figures(self) -> dict[str, float | None]:
        """The columns of history.csv that a clock of the steps can fill; rates are None where no step was counted."""
        if not self.steps:
            return dict.fromkeys(("images_per_second", "input_wait_fraction", "step_seconds")) | {"seconds": 0.0}
        seconds = max(self.seconds, 1e-9)
        return {
            "images_per_second": self.examples / seconds,
            "input_wait_fraction": self.wait_seconds / seconds,
            "seconds": self.seconds,
            "step_seconds": (self.seconds - self.wait_seconds) / self.steps,
        }


@dataclasses.dataclass
class RunClock:
    """How long a run has worked, over all its starts; what a start did after its last checkpoint and was lost with it
    is not counted.

    Attributes:
      began_seconds: of this start, a time.monotonic().
      before_seconds: of the earlier starts.
      starts: with this one.
    """

    began_seconds: float
    before_seconds: float = 0.0
    starts: int = 1

    @property
    def seconds(self) -> float:
        """Up to now."""
        return self.before_seconds + time.monotonic() - self.began_seconds

    def go_on(self, seconds: float, starts: int) -> None:
        """Takes over what the earlier starts came to by a checkpoint, or by the results that end later; the most of
        what is given counts."""
        self.before_seconds, self.starts = max(self.before_seconds, seconds), max(self.starts, starts + 1)
