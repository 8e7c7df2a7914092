"""Outlives a process: says what it kept back of its standard error, and takes away what it made, should it die.

python cli/last_words.py ALIVE SAID SHOWN [LOCK FOLDER ...]

`cli.quiet_import` starts it in a process of its own, since some ends leave no process time for a word: an abort in a
library, a kill, an exit from C++. The first three are numbers of open files: a pipe whose other end the process holds,
what it said, and its standard error. LOADED in the pipe says that nothing is kept back any more, anything else that
all went well. The paths are a lock file and the folders that were made for it, the inmost first: they go where the
process ends before that and the lock is all that they hold.
"""

import contextlib
import fcntl
import os
import sys
import time
from collections.abc import Sequence
from typing import IO

_TRIES = 100
LOADED = b"l"
LINE = "error: the process ended while it loaded TensorFlow; what it said until then stands above, if anything\n"


def outlive(alive: int, said: int, shown: int, made: Sequence[str]) -> None:
    """Waits until all went well, or the process is dead."""
    news = os.read(alive, 1)
    if news == LOADED:
        os.close(shown)  # who reads it waits for its end
        news = os.read(alive, 1)
    elif not news:
        with contextlib.suppress(OSError):  # a terminal that was closed
            os.write(shown, os.pread(said, os.fstat(said).st_size, 0) + LINE.encode())
    if not news and made:
        with contextlib.suppress(OSError):  # another process holds the lock by now, or a folder is not empty
            _take_away(*made)


def _take_away(lock: str, *folders: str) -> None:
    with open(lock, "rb") as file:
        _acquire(file)
        if os.listdir(os.path.dirname(lock)) == [os.path.basename(lock)]:
            os.unlink(lock)
            for folder in folders:
                os.rmdir(folder)


def _acquire(file: IO[bytes]) -> None:
    """Raises BlockingIOError where somebody holds it still, a second after the end: of a process's files, which are
    closed one after the other, the pipe may come first."""
    for _ in range(_TRIES):
        with contextlib.suppress(BlockingIOError):
            return fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        time.sleep(1 / _TRIES)
    raise BlockingIOError


if __name__ == "__main__":
    outlive(*map(int, sys.argv[1:4]), sys.argv[4:])
