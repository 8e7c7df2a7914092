"""RunsFolder: the door to a folder of several runs, of a cross-validation or a sweep, each in a folder of its own."""

import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from base import durable, locks
from base.errors import UserError
from base.places import check_plain, naming
from records.claim import TakenError
from records.run_folder import JSON, LOCK, RunFile, RunFolder
from records.tables import PREDICTIONS, table_of

KINDS = {"folds": "a cross-validation", "sweep": "a sweep"}


class FoldRow(NamedTuple):
    """A fold: its test accuracy with its 95% interval, and the mean log loss, of so many test examples."""

    fold: int
    examples: int
    accuracy: float
    accuracy_low: float
    accuracy_high: float
    loss: float
    best_epoch: int
    seconds: float


class SweepRow(NamedTuple):
    """A run of a sweep. What is not known is None, as all figures of a run that is not finished; the test figures are
    those of the chosen run alone. `rank` is by validation, from 1 on; `chosen` is "yes" or empty."""

    line: int
    name: str
    flags: str
    status: str
    rank: int | None
    chosen: str
    best_epoch: int | None
    validation_accuracy: float | None
    validation_accuracy_low: float | None
    validation_accuracy_high: float | None
    validation_loss: float | None
    test_accuracy: float | None
    test_accuracy_low: float | None
    test_accuracy_high: float | None
    seconds: float | None


class RunsFolder:
    """A folder of run folders, and what they come to together."""

    def __init__(self, path: Path):
        """Opens the folder; nothing is read or made."""
        self.path = path
        self.plan = RunFile(path / "runs.json", JSON)  # the kind, and the names of the runs' folders
        self.folds = RunFile(path / "folds.json", JSON)  # plain values
        self.folds_table = RunFile(path / "folds.csv", table_of(FoldRow))  # a row a fold
        # The class names, then a row an example, as the run predicted it that tested it.
        self.predictions = RunFile(path / "predictions_out_of_fold.csv", PREDICTIONS)
        self.sweep = RunFile(path / "sweep.json", JSON)  # plain values
        self.sweep_table = RunFile(path / "sweep.csv", table_of(SweepRow))  # a row a line

    def run(self, name: str) -> RunFolder:
        """That of one of the runs."""
        return RunFolder(self.path / name)

    def kind(self) -> str:
        """One of KINDS; empty where nothing has begun here. Raises UserError where runs.json is none of ours."""
        if not self.plan.path.exists():
            return ""
        try:
            kind = self.plan.read()["kind"]
            if kind not in KINDS:
                raise ValueError(f"kind is {kind!r:.40}")
            return kind
        except (OSError, ValueError, KeyError) as error:
            raise UserError(f"{str(self.plan.path)!r} cannot be read ({error}): give another --run_dir") from None


@contextlib.contextmanager
def claim_runs(path: Path, kind: str, resume: str) -> Iterator[RunsFolder]:
    """Makes the folder where it is missing and holds it for the block; the lock goes with the process.

    Args:
      path: the folder of all runs.
      kind: one of KINDS.
      resume: as `records.claim.claim`, of what is there already.

    Raises:
      TakenError: another process holds it, or it holds another kind, a run, or other files.
      UserError: it cannot be written, or there is nothing to resume.
    """
    check_plain("--run_dir", path)
    folder = RunsFolder(path)
    _check_holds(folder, kind, resume)
    with naming("--run_dir", path):
        path.mkdir(parents=True, exist_ok=True)
        lock = locks.acquire(path / LOCK)
    if lock is None:
        raise TakenError(f"--run_dir={path} is in use by another {KINDS[kind].partition(' ')[2]}: wait for it, or give "
                         "another")  # fmt: skip
    with lock:
        for one in vars(folder).values():
            if isinstance(one, RunFile):
                durable.remove_leftovers(path, durable.temporary_prefix(one.path))
        yield folder


def _check_holds(folder: RunsFolder, kind: str, resume: str) -> None:
    path, there = folder.path, folder.kind()
    if RunFolder(path).has_begun:
        raise TakenError(f"--run_dir={path} holds a run, not {KINDS[kind]}: give another folder")
    if there and there != kind:
        raise TakenError(f"--run_dir={path} holds {KINDS[there]}, not {KINDS[kind]}: give another folder")
    if there and resume == "never":
        raise TakenError(f"--resume=never: {str(path)!r} already holds {KINDS[kind]}; give another --run_dir")
    if not there and resume == "must":
        raise UserError(f"--resume=must: {str(path)!r} holds no {KINDS[kind].partition(' ')[2]} to continue; check "
                        "--run_dir")  # fmt: skip
    if not there and path.is_dir() and any(_is_foreign(entry) for entry in path.iterdir()):
        raise TakenError(f"--run_dir={path} holds other files: give an empty or a new folder")


def _is_foreign(path: Path) -> bool:
    """Whether this is none of what a process leaves that was killed before it wrote its plan."""
    if path.name == LOCK:
        with contextlib.suppress(FileNotFoundError):
            return path.lstat().st_size > 0
        return False
    return not path.name.startswith(durable.temporary_prefix(Path("runs.json")))
