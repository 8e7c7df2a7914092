"""Locks between processes: flock(2) on a file, so that a lock goes with the process that held it, however it ended."""

import contextlib
import fcntl
import os
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import IO

import numpy as np

from base import durable
from base.watch import SILENT, Watch

# Of no other program: a cache folder may hold what is not ours, as a poetry.lock.
SUFFIX = ".penstock-lock"
_POLL_SECONDS = 0.1


def acquire(path: Path) -> IO | None:
    """The open lock file at `path`, held until it is closed; None where another process holds it.

    Raises OSError where the file cannot be made or its file system has no locks.
    """
    while True:
        lock = open(path, "a")  # noqa: SIM115 - held until the caller closes it
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            if _has_its_name(lock, path):
                return lock
        except BlockingIOError:
            lock.close()
            return None
        except BaseException:
            lock.close()
            raise
        lock.close()


@contextlib.contextmanager
def sole_maker(path: Path, waiting: str, watch: Watch = SILENT) -> Iterator[None]:
    """For the block, no other process makes `path`; what killed makers left beside it is deleted.

    Args:
      path: a file or folder that `durable` writes; its lock is beside it, and goes with the block.
      waiting: a log line, said once if another process holds the lock.
      watch: asked ten times a second, while another process holds the lock, whether to stop.

    Raises:
      durable.WriteError: the lock cannot be made.
      Stopped: somebody asked to stop while this waited.
    """
    lock_path = path.with_name(path.name + SUFFIX)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        lock = _wait_for(lock_path, waiting, watch)
    except OSError as error:
        raise durable.WriteError(path, error) from error
    with lock:
        try:
            _remove_dead_makers(path.parent)
            durable.remove_leftovers(path.parent, durable.temporary_prefix(path))
            yield
        finally:
            with contextlib.suppress(OSError):
                lock_path.unlink()


@contextlib.contextmanager
def keeper(
    path: Path, waiting: str, not_kept: str, watch: Watch = SILENT
) -> Iterator[Callable[[Mapping[str, np.ndarray]], None]]:
    """`sole_maker` of an .npz that only spares later work; yields a function that writes its arrays.

    Where it cannot be written `not_kept` is said with the error, once, and the function does nothing.
    """

    def keep(arrays: Mapping[str, np.ndarray]) -> None:
        with _saying(not_kept, watch):
            durable.write_arrays(path, arrays)

    with contextlib.ExitStack() as stack:
        is_ours = False
        with _saying(not_kept, watch):
            stack.enter_context(sole_maker(path, waiting, watch))
            is_ours = True
        yield keep if is_ours else lambda arrays: None


def make_once(path: Path, make: Callable[[], None], watch: Watch = SILENT) -> None:
    """Calls `make`, which writes the folder `path` through `durable`, if it is not there; one process at a time."""
    if not path.is_dir():
        with sole_maker(path, f"data        another process is writing {path}: waiting for it", watch):
            if not path.is_dir():
                make()


@contextlib.contextmanager
def _saying(not_kept: str, watch: Watch) -> Iterator[None]:
    try:
        yield
    except durable.WriteError as error:
        watch.say(f"{not_kept} ({error.filename}: {error.strerror})")


def _wait_for(path: Path, waiting: str, watch: Watch) -> IO:
    said = False
    while (lock := acquire(path)) is None:
        if not said:
            watch.say(waiting)
            said = True
        watch.check()
        time.sleep(_POLL_SECONDS)
    return lock


def _has_its_name(lock: IO, path: Path) -> bool:
    """False where its last holder deleted it between our open and our lock: another file has the name now, or none."""
    try:
        return os.path.samestat(os.stat(path), os.fstat(lock.fileno()))
    except FileNotFoundError:
        return False


def _remove_dead_makers(folder: Path) -> None:
    """Deletes the locks that nobody holds any more, and what their makers had begun."""
    for path in folder.glob("*" + SUFFIX):
        with contextlib.suppress(OSError):
            if lock := acquire(path):
                with lock:
                    durable.remove_leftovers(folder, durable.temporary_prefix(path.with_suffix("")))
                    path.unlink()
