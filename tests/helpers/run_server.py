"""Runs of train.py, one after another, each in a fork of a process that has imported TensorFlow and used nothing of it.

A run of a tiny network takes six seconds, four of them TensorFlow's import, and a kill sweep has a hundred runs.
`python -m tests.helpers.run_server` reads an order a line from standard input, JSON:

  arguments     of train.py
  environment   what to set besides the server's own
  replaced      [module, name, value] each, set before the run; a value "module:name" is that object
  log           the file that gets what the run prints
  visits        a file that gets, at the end, how often each kill point was reached; "" for none

It answers with a line, the run's exit code, negative for a signal.
"""

import atexit
import collections
import importlib
import json
import os
import sys
import threading

os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"

from base import kill_points
from cli import quiet_import, start


def serve() -> None:
    """Until standard input ends."""
    quiet_import.import_tensorflow()
    for module in ("cli.guard", "cli.train", "jobs.train"):  # with everything that a run imports
        importlib.import_module(module)
    for line in sys.stdin:
        child = os.fork()
        if not child:
            _run(json.loads(line))
        _, status = os.waitpid(child, 0)
        print(os.waitstatus_to_exitcode(status), flush=True)


def _run(order: dict) -> None:
    """In the child: never returns."""
    log = os.open(order["log"], os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
    for stream in (1, 2):
        os.dup2(log, stream)
    os.environ.update(order["environment"])
    if order["visits"]:
        _count_visits(order["visits"])
    for module, name, value in order["replaced"]:
        setattr(importlib.import_module(module), name, _resolve(value))
    sys.argv = ["train.py", *order["arguments"]]
    start.run("train")


def _count_visits(path: str) -> None:
    counts, lock = collections.Counter(), threading.Lock()

    def count(point: str) -> None:
        with lock:
            counts[point] += 1

    def write() -> None:
        with open(path, "w", encoding="utf-8") as file:
            json.dump(counts, file)

    kill_points.reach = count
    atexit.register(write)


def _resolve(value: object) -> object:
    if isinstance(value, str) and ":" in value:
        module, _, name = value.partition(":")
        return getattr(importlib.import_module(module), name)
    return value


if __name__ == "__main__":
    serve()
