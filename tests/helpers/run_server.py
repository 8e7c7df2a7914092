"""Scripts, each run in a fork of a process that has imported TensorFlow and used nothing of it.

A run of a tiny network takes six seconds, four of them TensorFlow's import, and the tests start some eighty.
`python -m tests.helpers.run_server SOCKET` takes orders from the socket whose number it is given; `tests.helpers.forks`
writes them. An order is JSON with three files: the run's standard output and error, and a pipe that is answered with
the run's pid and, at its end, its exit code, negative for a signal; a line each. Of the order:

  script        its path
  arguments     of the script
  environment   all of it
  cwd           the working directory
  replaced      [module, name, value] each, set before the run; a value "module:name" is that object
  visits        a file that gets, at the end, how often each kill point was reached; "" for none
"""

import collections
import gc
import importlib
import json
import os
import runpy
import signal
import socket
import sys
import tempfile
import threading
from pathlib import Path
from typing import NoReturn

from base import kill_points
from cli import quiet_import

ROOT = Path(__file__).resolve().parents[2]
MAX_ORDER_BYTES = 1 << 18


def serve(orders: socket.socket) -> None:
    """Until nobody can order any more."""
    _load()
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # a Ctrl-C is for the tests and the runs
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # nobody waits for the processes that wait for the runs
    gc.freeze()
    while True:
        content, files, *_ = socket.recv_fds(orders, MAX_ORDER_BYTES, 3)
        if not content:
            return
        if not os.fork():
            orders.close()
            _start(json.loads(content), *files)
        for file in files:
            os.close(file)


def _load() -> None:
    """Everything that a script imports."""
    quiet_import.import_tensorflow()
    for room in ("cli", "jobs"):
        for path in sorted((ROOT / room).glob("*.py")):
            importlib.import_module(f"{room}.{path.stem}")


def _start(order: dict, output: int, error: int, answers: int) -> NoReturn:
    """Forks the run and waits for it."""
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    pid = os.fork()
    if not pid:
        os.close(answers)
        signal.signal(signal.SIGINT, signal.default_int_handler)
        _redirect(output, error)
        _run(order)
    os.close(output)
    os.close(error)
    os.write(answers, b"%d\n" % pid)
    os.write(answers, b"%d\n" % os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))
    os._exit(0)


def _redirect(output: int, error: int) -> None:
    """Standard output and error go to these files, through streams as a new process has them."""
    for number, file in enumerate((output, error), 1):
        os.dup2(file, number)
        os.close(file)
    sys.stdout = open(1, "w")  # noqa: SIM115 - as long as the process
    sys.stderr = open(2, "w", buffering=1, errors="backslashreplace")  # noqa: SIM115


def _run(order: dict) -> NoReturn:
    os.environ.clear()
    os.environ.update(order["environment"])
    os.chdir(order["cwd"])
    tempfile.tempdir = None  # as the environment says now
    if order["visits"]:
        _count_visits(order["visits"])
    for module, name, value in order["replaced"]:
        setattr(importlib.import_module(module), name, _resolve(value))
    sys.argv = [order["script"], *order["arguments"]]
    sys.path.insert(0, os.path.dirname(order["script"]))
    runpy.run_path(order["script"], run_name="__main__")
    sys.exit(0)


def _count_visits(visits: str) -> None:
    """Writes at the run's end how often it reached each kill point."""
    counts, lock = collections.Counter(), threading.Lock()

    def count(point: str) -> None:
        with lock:
            counts[point] += 1

    def leave(code: int, leave_now=os._exit) -> NoReturn:
        Path(visits).write_text(json.dumps(counts))
        leave_now(code)

    kill_points.reach = count
    os._exit = leave  # as scripts end, without Python's own end


def _resolve(value: object) -> object:
    if isinstance(value, str) and ":" in value:
        module, _, name = value.partition(":")
        return getattr(importlib.import_module(module), name)
    return value


if __name__ == "__main__":
    serve(socket.socket(fileno=int(sys.argv[1])))
