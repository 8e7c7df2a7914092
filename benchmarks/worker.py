"""One rival: python -m benchmarks.worker NAME DATA_DIR SCRATCH SECONDS; a line on standard input asks for a turn.

A rival has either `batches(data_dir)`, an endless iterator whose turn is what it gives in SECONDS, or
`turn(data_dir, scratch)`, a function without arguments that does a whole piece of work and gives its pictures/s.
"""

import functools
import importlib
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from base import allocator


def main(name: str, data_dir: str, scratch: str, seconds: float) -> None:
    """Warms up, says so, and measures a turn a line."""
    if name.startswith("penstock"):
        allocator.keep_freed_memory()  # as train.py does; the others' users have glibc's allocator as it is
    turn = ready_turn(importlib.import_module(f"benchmarks.rivals.{name}"), data_dir, scratch, seconds)
    print("ready", flush=True)
    for _ in sys.stdin:
        print("rate", turn(), flush=True)


def ready_turn(rival, data_dir: str, scratch: str, seconds: float) -> Callable[[], float]:
    """A function that does one turn and gives its pictures/s, after a turn that nobody counts."""
    if hasattr(rival, "turn"):
        turn = rival.turn(data_dir, Path(scratch))
    else:
        turn = functools.partial(images_per_second, iter(rival.batches(data_dir)), seconds)
    turn()
    return turn


def images_per_second(batches: Iterator, seconds: float) -> float:
    """Pictures/s over at least `seconds`; what waited ready from before the turn is thrown away first."""
    for _ in range(8):
        next(batches)
    count, began = 0, time.perf_counter()
    while time.perf_counter() - began < seconds:
        count += len(next(batches))
    return count / (time.perf_counter() - began)


if __name__ == "__main__":
    main(*sys.argv[1:4], float(sys.argv[4]))
