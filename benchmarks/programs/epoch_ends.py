"""What checkpoints and summaries take of an epoch: train.py's own run in this process, with a watch on its epoch ends.

python -m benchmarks.programs.epoch_ends FLAG... is train.py FLAG... and prints, for each epoch but the first, a line
"share PERCENT": seconds inside the saving of checkpoints, history.csv and TensorBoard over all seconds from one
epoch's end to the next (steps, validation and these). A run with them against one without would show the same below
the noise of its steps, which is larger than the share.
"""

import functools
import runpy
import sys
import time

from base import allocator
from benchmarks.settings import ROOT


class Watch:
    """Adds up the seconds inside what it wraps."""

    def __init__(self):
        self.inside, self._epoch_began, self._inside_before = 0.0, None, 0.0

    def wrap(self, owner, name: str) -> None:
        """Replaces `owner.name` with itself, timed."""
        function = getattr(owner, name)

        @functools.wraps(function)
        def timed(*arguments, **keywords):
            began = time.perf_counter()
            try:
                return function(*arguments, **keywords)
            finally:
                self.inside += time.perf_counter() - began

        setattr(owner, name, timed)

    def epoch_ended(self) -> None:
        """Prints the share of the epoch that ends now, and starts the next."""
        now = time.perf_counter()
        if self._epoch_began is not None:
            share = (self.inside - self._inside_before) / (now - self._epoch_began)
            print(f"share {100 * share:.4f}", flush=True)
        self._epoch_began, self._inside_before = now, self.inside


def install(watch: Watch) -> None:
    """Watches what an epoch's end writes; the checkpoint comes first, so an epoch ends where it begins."""
    allocator.keep_freed_memory()  # train.py does, before what these import
    import training.loop
    from records.run_folder import RunFile
    from reports.summaries import Summaries

    for owner, name in ((training.loop.Loop, "_save"), (RunFile, "write"),
                        (Summaries, "scalars"), (Summaries, "text")):  # fmt: skip
        watch.wrap(owner, name)
    save = training.loop.Loop._save

    def save_and_tell(loop) -> None:
        watch.epoch_ended()
        save(loop)

    training.loop.Loop._save = save_and_tell


if __name__ == "__main__":
    install(Watch())
    sys.argv[0] = str(ROOT / "train.py")
    runpy.run_path(sys.argv[0], run_name="__main__")
