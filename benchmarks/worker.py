"""One rival: python worker.py NAME DATA_DIR; a line on standard input asks for a turn."""

import importlib
import os
import sys
import time

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import path_to_penstock  # noqa: F401 - makes the checkout importable

WARM_SECONDS, TURN_SECONDS = 3.0, 3.0


def main(name: str, data_dir: str) -> None:
    """Warms up, says so, and measures a turn a line."""
    batches = importlib.import_module(f"rivals.{name}").batches(data_dir)
    images_per_second(batches, WARM_SECONDS)
    print("ready", flush=True)
    for _ in sys.stdin:
        print("rate", images_per_second(batches, TURN_SECONDS), flush=True)


def images_per_second(batches, seconds: float) -> float:
    """Images/s over at least `seconds`; what waited ready from before the turn is thrown away first."""
    for _ in range(8):
        next(batches)
    count, began = 0, time.perf_counter()
    while time.perf_counter() - began < seconds:
        count += len(next(batches))
    return count / (time.perf_counter() - began)


if __name__ == "__main__":
    main(*sys.argv[1:])
