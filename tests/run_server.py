"""Runs of train.py, one after another, each in a fork of a process that has imported TensorFlow and used nothing of it.

A run of a tiny network takes six seconds, four of them TensorFlow's import; a kill sweep has a hundred runs. Reads a
line of JSON a run from standard input: arguments, environment, replaced ([module, name, value] each) and log. Answers
with a line: the exit code, negative for a signal.
"""

import importlib
import json
import os
import sys

os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"

import commandline

commandline.import_tensorflow()

import jobs.run  # noqa: F401, E402 - everything that a run imports
import train  # noqa: E402


def serve() -> None:
    """Until standard input ends."""
    for line in sys.stdin:
        order = json.loads(line)
        child = os.fork()
        if not child:
            _run(order)
        _, status = os.waitpid(child, 0)
        print(os.waitstatus_to_exitcode(status), flush=True)


def _run(order: dict) -> None:
    """In the child: never returns."""
    log = os.open(order["log"], os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    os.dup2(log, 1)
    os.dup2(log, 2)
    os.environ.update(order["environment"])
    importlib.reload(importlib.import_module("faults"))
    for module, name, value in order["replaced"]:
        setattr(importlib.import_module(module), name, value)
    sys.argv = ["train.py", *order["arguments"]]
    commandline.run(train.define_flags, train.main)


if __name__ == "__main__":
    serve()
