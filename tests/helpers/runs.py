"""A Run for tests of what is handed one."""

from pathlib import Path

from base.watch import SILENT, Watch
from jobs.options import RunOptions, resolve
from jobs.run import Run
from records.run_folder import RunFolder
from training.clock import RunClock
from training.device import Hardware

# A plain recipe, which says nothing of its length.
OPTIONS = resolve("folder:here", {"threads": 2, "schedule": "constant", "warmup_epochs": 0.0, "learning_rate": 1e-3,
                                  "epochs": 30, "global_batch_size": 64})  # fmt: skip
HARDWARE = Hardware("CPU", None, 1, "float32", 2, False, (), "A CPU")


def run_of(
    data, path: Path, options: RunOptions = OPTIONS, hardware: Hardware = HARDWARE, watch: Watch = SILENT
) -> Run:
    """A run of these data in the folder at `path`; nothing is made there, and no curve is drawn."""
    return Run(options, hardware, RunFolder(path), watch, None, data, RunClock(0.0), options.training.global_batch_size,
               path.parent / "cache")  # fmt: skip
