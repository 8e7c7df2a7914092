"""Outlives a process whose standard error is kept back, and says for it what it said, should it die meanwhile.

python cli/last_words.py ALIVE SAID SHOWN [PATH ...]

`cli.quiet_import` starts it in a process of its own, since some ends leave no process time for a word: an abort in a
library, a kill, an exit from C++. The first three are numbers of open files: a pipe whose other end the process holds
and writes to where all went well, what it said, and its standard error. The paths are files and empty folders that are
taken away after such an end.
"""

import contextlib
import os
import sys
from collections.abc import Sequence

LINE = "error: the process ended while it loaded TensorFlow; what it said until then stands above, if anything\n"


def outlive(alive: int, said: int, shown: int, leftovers: Sequence[str]) -> None:
    """Waits until all went well, or the process is dead."""
    if os.read(alive, 1):
        return
    with contextlib.suppress(OSError):  # a terminal that was closed
        os.write(shown, os.pread(said, os.fstat(said).st_size, 0) + LINE.encode())
    for path in leftovers:
        take_away = os.rmdir if os.path.isdir(path) else os.unlink
        with contextlib.suppress(OSError):  # not empty, or gone
            take_away(path)


if __name__ == "__main__":
    outlive(*map(int, sys.argv[1:4]), sys.argv[4:])
