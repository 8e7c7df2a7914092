"""Wall clock that began before the process did: what fits into it, and what was there when. Imports nothing heavy."""

import json
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

# Of the minutes, for what comes after the last epoch: saving, closing workers.
RESERVE_FRACTION = 0.03


class Budget:
    """Minutes from the moment in which the program's command was given, and the best weights along them.

    The weights of the best validated epoch are what a user would take at any moment; they are scored on the test folder
    when training is over, so that no rival waits for it.
    """

    def __init__(self, minutes: float, began: float):
        """Args: `began` is in seconds since 1970."""
        self._ends, self._began = began + 60.0 * minutes * (1.0 - RESERVE_FRACTION), began
        self._best, self._kept, self._epochs = -1.0, [], 0

    @property
    def seconds_left(self) -> float:
        """Until training must have ended; negative when it is late."""
        return self._ends - time.time()

    def epochs(self, epoch_seconds: float, most: int) -> int:
        """How many epochs still fit, 1 at least: who has trained none has nothing to show."""
        return max(1, min(most, int(self.seconds_left / epoch_seconds)))

    def keep(self, validation_accuracy: float, weights: Callable[[], Any]) -> None:
        """Notes the end of an epoch; `weights` gives a copy of its weights, if they are the best so far."""
        self._epochs += 1
        if validation_accuracy > self._best:
            self._best = validation_accuracy
            self._kept.append((time.time() - self._began, weights()))

    def tell(self, score: Callable[[Any], float]) -> None:
        """Prints, as the last line, [seconds, test accuracy] of each kept epoch; `score` takes its weights."""
        points = [[seconds, score(weights)] for seconds, weights in self._kept]
        print(json.dumps({"points": points, "epochs": self._epochs}), flush=True)


def arguments() -> tuple[Path, Path, Budget]:
    """(data_dir, scratch, budget) of a command line: DATA_DIR SCRATCH MINUTES BEGAN."""
    data_dir, scratch, minutes, began = sys.argv[1:5]
    return Path(data_dir), Path(scratch), Budget(float(minutes), float(began))
