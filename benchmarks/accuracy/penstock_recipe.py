"""train.py with one of the recipes under configs/: DATA_DIR SCRATCH MINUTES BEGAN RECIPE [FLAG...].

The run is that of a user. Beside it, each checkpoint is copied as it comes; when the run is over, those that ended the
best epoch so far are scored on the test split, in float32 as the export computes, and so is the run's own end.
"""

import json
import shutil
import sys
import threading
from pathlib import Path

from benchmarks import processes
from benchmarks.settings import ROOT

_LOOK_SECONDS = 0.5


class Copies(threading.Thread):
    """Copies the checkpoints of a run folder as they come."""

    def __init__(self, checkpoints: Path, to: Path):
        super().__init__(daemon=True)
        self._checkpoints, self._to, self.done = checkpoints, to, threading.Event()

    def run(self) -> None:
        """Until `done` is set, and once more."""
        while not self.done.wait(_LOOK_SECONDS):
            self._look()
        self._look()

    def _look(self) -> None:
        for path in sorted(self._checkpoints.glob("step-*")):
            copy = self._to / path.name
            if not copy.exists():
                # Hard links: whole as the folder is, and no copying beside a training that is timed.
                shutil.copytree(path, copy, copy_function=lambda old, new: Path(new).hardlink_to(old))


def main() -> None:
    """Trains, and scores the test split in the end."""
    data_dir, scratch, _, began, recipe, *flags = sys.argv[1:]
    run_dir, copies = Path(scratch) / "run", Path(scratch) / "copies"
    copies.mkdir(parents=True)
    watcher = Copies(run_dir / "checkpoints", copies)
    watcher.start()
    command = processes.script(
        "train.py", f"--flagfile={ROOT / 'configs' / recipe}", f"--data_dir={data_dir}", f"--run_dir={run_dir}",
        f"--cache_dir={Path(scratch) / 'cache'}", *flags,
    )  # fmt: skip
    processes.run(command)
    watcher.done.set()
    watcher.join()
    end = (run_dir / "results.json").stat().st_mtime
    points = [[seconds - float(began), score] for seconds, score in _scored(run_dir, copies, Path(scratch) / "cache")]
    results = json.loads((run_dir / "results.json").read_text())
    points.append([end - float(began), results["test"]["accuracy"]])
    print(json.dumps({"points": points, "epochs": results["epochs"]}), flush=True)


def _scored(run_dir: Path, copies: Path, cache_dir: Path) -> list[tuple[float, float]]:
    """(seconds since 1970, test accuracy) of each checkpoint that ended the best epoch so far."""
    from benchmarks.accuracy.scoring import make_score
    from training.checkpoint import load_checkpoint
    from training.history import best_row

    score, found = make_score(run_dir, cache_dir), []
    for path in sorted(copies.iterdir()):
        checkpoint = load_checkpoint(path)
        if best_row(checkpoint.history)["step"] == checkpoint.step:
            weights = checkpoint.arrays.get("average", checkpoint.arrays["model"])  # what is validated and exported
            found.append(((path / "state.json").stat().st_mtime, score(weights)))
    return found


if __name__ == "__main__":
    main()
