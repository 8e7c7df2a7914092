"""Claims a run folder: held by one process, continued by the same options, refused to others."""

import contextlib
import itertools
import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import IO

from base import locks
from base.errors import UserError
from base.places import check_plain, naming
from records.run_folder import BEFORE_A_RUN, FILES, FOLDERS, LOCK, TEMPORARIES, RunFolder

RESUMES = ("auto", "never", "must")


class TakenError(UserError):
    """The folder is another run's, or another's altogether."""


@contextlib.contextmanager
def claim(path: Path, resume: str, cache_dir: Path | None = None) -> Iterator[RunFolder]:
    """Makes the folder where it is missing and holds it for the block; the lock goes with the process.

    Folders that a mistake or a stop left without a run are taken away again.

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
    folder = RunFolder(path)
    _check_resume(folder, resume)
    if not folder.has_begun and path.is_dir() and any(_is_foreign(entry, cache_name) for entry in path.iterdir()):
        raise TakenError(f"--run_dir={path} holds other files and no run: give an empty or a new folder")
    _check_kinds(path)
    made = [one for one in (path, *path.parents) if not one.exists()]
    with _lock(path):
        folder.made = () if folder.has_begun else (path / LOCK, *made)
        try:
            yield folder
        except BaseException:
            if not folder.has_begun:
                _take_away(folder.made)
            raise


@contextlib.contextmanager
def claim_new(path: Path) -> Iterator[RunFolder]:
    """`claim` of a folder that nobody has: `path`, or `path`-2, -3 ... where another run began in the same second."""
    with contextlib.ExitStack() as held:
        yield _claim_first_free(path, held)


def _claim_first_free(path: Path, held: contextlib.ExitStack) -> RunFolder:
    names = itertools.chain([path.name], (f"{path.name}-{number}" for number in itertools.count(2)))
    while True:
        with contextlib.suppress(TakenError):
            return held.enter_context(claim(path.with_name(next(names)), "never"))


def _check_resume(folder: RunFolder, resume: str) -> None:
    if resume == "must" and not folder.has_begun:
        raise UserError(f"--resume=must: {str(folder.path)!r} holds no run to continue; check --run_dir")
    if resume == "never" and folder.has_begun:
        raise TakenError(f"--resume=never: {str(folder.path)!r} already holds a run; give another --run_dir")


def _lock(path: Path) -> IO:
    with naming("--run_dir", path):
        path.mkdir(parents=True, exist_ok=True)
        lock = locks.acquire(path / LOCK)
    if lock is None:
        raise TakenError(f"--run_dir={path} is in use by another run: wait for it, or give another")
    return lock


def _take_away(made: Sequence[Path]) -> None:
    """Deletes the lock, then the folders that were made for it, as far as they are empty."""
    with contextlib.suppress(OSError):
        for one in made:
            (one.unlink if one.name == LOCK else one.rmdir)()


def _name_of_cache(path: Path, cache_dir: Path) -> str | None:
    """What in the run folder is, or holds, the cache folder; None where that lies elsewhere."""
    name = next(iter(Path(os.path.relpath(os.path.realpath(cache_dir), os.path.realpath(path))).parts), None)
    if name in (None, LOCK, *FILES, *FOLDERS):
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
    """Whether neither a run that was killed before its options.json stood nor a range test can have left this."""
    if path.name == LOCK:
        with contextlib.suppress(FileNotFoundError):  # another process has just taken it away
            return path.lstat().st_size > 0  # ours is empty
        return False
    return path.name not in (cache_name, *BEFORE_A_RUN) and not path.name.startswith(TEMPORARIES)
