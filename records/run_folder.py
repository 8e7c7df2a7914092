"""The run folder: claimed by one process, continued by the same options, refused to others."""

import contextlib
import itertools
import json
import os
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from base import durable, locks
from base.errors import UserError
from base.places import check_plain, naming
from records import history
from training.options import RunOptions, differences

# Every name that a run writes as a file, and as a folder.
FILES = ("options.json", "flags.txt", "split.csv", "quarantine.csv", "bad_batch.csv", "history.csv",
         "predictions_test.csv", "results.json", "report.html")  # fmt: skip
FOLDERS = ("train", "validation", "test", "checkpoints", "saved_model")
_LOCK = ".lock"
_TEMPORARIES = tuple(durable.temporary_prefix(Path(name)) for name in (*FILES, "saved_model"))


class TakenError(UserError):
    """The folder is another run's, or another's altogether."""


@contextlib.contextmanager
def claim(path: Path, resume: str, cache_dir: Path | None = None) -> Iterator["RunFolder"]:
    """A RunFolder for the block; folders that a mistake or a stop left without a run are taken away again."""
    with _held(RunFolder(path, resume, cache_dir)) as folder:
        yield folder


@contextlib.contextmanager
def claim_new(path: Path) -> Iterator["RunFolder"]:
    """`claim` of a folder that nobody has: `path`, or `path`-2, -3 ... where another run began in the same second."""
    with _held(_first_free(path)) as folder:
        yield folder


def _first_free(path: Path) -> "RunFolder":
    names = itertools.chain([path.name], (f"{path.name}-{number}" for number in itertools.count(2)))
    while True:
        with contextlib.suppress(TakenError):
            return RunFolder(path.with_name(next(names)), "never")


@contextlib.contextmanager
def _held(folder: "RunFolder") -> Iterator["RunFolder"]:
    try:
        yield folder
    except BaseException:
        if not folder.options_path.exists():
            folder.take_away()
        raise
    finally:
        folder.release()


class RunFolder:
    """A run folder that this process holds; the lock goes with the process, so a dead run never blocks."""

    def __init__(self, path: Path, resume: str, cache_dir: Path | None = None):
        """Creates and locks the folder.

        Args:
          path: the run folder.
          resume: "auto" continues what is there, "never" refuses it, "must" refuses its absence.
          cache_dir: may lie in the run folder, beside what the run writes: a killed packer leaves it without a run.

        Raises:
          TakenError: another run holds it, or it holds what `resume` forbids, or other files.
          UserError: it cannot be written, or by TensorFlow not read again; there is nothing to resume; the cache
            would be among the run's own files; a folder has the name of a file that a run writes, or the reverse.
        """
        check_plain("--run_dir", path)
        cache_name = _name_of_cache(path, cache_dir) if cache_dir else None
        self.path = path
        self.options_path = path / "options.json"
        known = self.options_path.exists()
        if resume == "must" and not known:
            raise UserError(f"--resume=must: {str(path)!r} holds no run to continue; check --run_dir")
        if resume == "never" and known:
            raise TakenError(f"--resume=never: {str(path)!r} already holds a run; give another --run_dir")
        if not known and path.is_dir() and any(_is_foreign(entry, cache_name) for entry in path.iterdir()):
            raise TakenError(f"--run_dir={path} holds other files and no run: give an empty or a new folder")
        _check_kinds(path)
        self._made = [folder for folder in (path, *path.parents) if not folder.exists()]
        self._lock = self._claim()

    def results(self) -> dict | None:
        """What results.json holds, where the run that is here is whole to its last file; None for an unfinished one."""
        try:
            results = json.loads((self.path / "results.json").read_text())
        except (OSError, ValueError):
            return None  # absent or damaged: the end of the run is done again, from its last checkpoint
        last = ("report.html", "saved_model/saved_model.pb")
        return results if isinstance(results, dict) and all((self.path / name).exists() for name in last) else None

    def adopt(self, options: RunOptions) -> dict | None:
        """The options.json that is here, or None; raises UserError where its run is not the one of `options`.

        What a killed process left half-written of the run is deleted then.
        """
        old = self._known_options(options)
        for prefix in _TEMPORARIES:
            durable.remove_leftovers(self.path, prefix)
        durable.remove_leftovers(self.path / "checkpoints")
        return old

    @property
    def checkpoints(self) -> Path:
        """The folder of the checkpoints."""
        return self.path / "checkpoints"

    def write_history(self, rows: Sequence[Mapping]) -> None:
        """Writes history.csv."""
        history.write_history(self.path / "history.csv", rows)

    def release(self) -> None:
        """Lets other runs have the folder."""
        self._lock.close()

    def take_away(self) -> None:
        """Deletes the lock and the folders that were made for it, as far as they are empty."""
        with contextlib.suppress(OSError):
            (self.path / _LOCK).unlink()
            for folder in self._made:
                folder.rmdir()

    def _known_options(self, options: RunOptions) -> dict | None:
        try:
            old = json.loads(self.options_path.read_text())
            if not isinstance(old, dict):
                raise ValueError(f"it holds a {type(old).__name__}")
            if type(old.get("threads", 0)) is not int:  # the one value that is taken over and not compared
                raise ValueError(f"threads is {old['threads']!r:.40}")
        except FileNotFoundError:
            return None
        except (OSError, ValueError) as error:
            raise UserError(
                f"{str(self.options_path)!r} cannot be read ({error}): put it back (flags.txt beside it says the same) "
                "or give another --run_dir"
            ) from None
        new = options.to_json()
        if not options.threads:
            # A resumed run keeps the thread count that its bits depend on, unless the user asks for another.
            new["threads"] = old.get("threads")
        changed = differences(old, new)
        if changed:
            raise UserError(
                f"--run_dir={self.path} holds a run with other options ({'; '.join(changed)}): give the same options "
                "to continue it, or another --run_dir"
            )
        return old

    def _claim(self):
        with naming("--run_dir", self.path):
            self.path.mkdir(parents=True, exist_ok=True)
            lock = locks.acquire(self.path / _LOCK)
        if lock is None:
            raise TakenError(f"--run_dir={self.path} is in use by another run: wait for it, or give another")
        return lock


def _name_of_cache(path: Path, cache_dir: Path) -> str | None:
    """What in the run folder is, or holds, the cache folder; None where that lies elsewhere."""
    name = next(iter(Path(os.path.relpath(os.path.realpath(cache_dir), os.path.realpath(path))).parts), None)
    if name in (None, _LOCK, *FILES, *FOLDERS):
        raise UserError(
            f"--cache_dir={cache_dir} is the run folder, or a place in it where the run writes its own files: give "
            f"another, as {path / 'cache'}"
        )
    return None if name == os.pardir else name


def _check_kinds(path: Path) -> None:
    """What stands in the way of a file is found now, and not by the write that ends the training."""
    for name in (*FILES, *FOLDERS):
        kinds = ("folder", "file") if name in FILES else ("file", "folder")
        if (path / name).exists() and (path / name).is_dir() != (name in FOLDERS):
            raise UserError(
                f"{str(path / name)!r} is a {kinds[0]}, where the run writes a {kinds[1]}: give it another name, or "
                "give another --run_dir"
            )


def _is_foreign(path: Path, cache_name: str | None) -> bool:
    """Whether a run that was killed before its options.json stood cannot have left this."""
    if path.name == _LOCK:
        with contextlib.suppress(FileNotFoundError):  # another process has just taken it away
            return path.lstat().st_size > 0  # ours is empty
        return False
    return path.name != cache_name and not path.name.startswith(_TEMPORARIES)
