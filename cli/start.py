"""The start of every script. What keeps it from beginning is one line too, so nothing that may be missing is imported
here: only Python's own modules, and those of ours that import nothing else."""

import importlib
import os
import signal
import sys
from pathlib import Path
from types import ModuleType

from base import allocator, kill_points, parent
from base.signals import INTERRUPTED

_ROOT = Path(__file__).resolve().parents[1]


def run(script: str) -> None:
    """Runs the script that cli/`script`.py describes, by its `define_flags` and `main`; see `cli.guard.run`.

    Exits with 2 and one line where a package is not installed.
    """
    sys.excepthook = _show
    parent.follow(os.environ.pop(parent.VARIABLE, ""))
    allocator.keep_freed_memory()
    try:
        kill_points.arm(os.environ.get(kill_points.VARIABLE, ""))
    except ValueError as error:
        _refuse(str(error))
    try:
        guard, ours = _load("cli.guard"), _load(f"cli.{script}")
    except ModuleNotFoundError as missing:
        _refuse(f"{missing.name} is not installed for {sys.executable}: run make setup and use .venv/bin/python, or "
                "pip install -r requirements.txt")  # fmt: skip
    guard.run(_ROOT / f"{script}.py", ours.define_flags, ours.main)


def _load(name: str) -> ModuleType:
    before = signal.getsignal(signal.SIGINT)
    if before is signal.default_int_handler:  # else it is ignored, as in the background
        signal.signal(signal.SIGINT, signal.SIG_DFL)  # NumPy would make an ImportError of 40 lines of the exception
    try:
        return importlib.import_module(name)
    finally:
        signal.signal(signal.SIGINT, before)


def _show(kind: type[BaseException], error: BaseException, trace) -> None:
    """A Ctrl-C that nobody guards is no fault to be traced; Python then dies by SIGINT, which a shell calls 130."""
    if issubclass(kind, KeyboardInterrupt):
        print(INTERRUPTED, file=sys.stderr)
    else:
        sys.__excepthook__(kind, error, trace)


def _refuse(line: str) -> None:
    print(f"error: {line}", file=sys.stderr)
    sys.exit(2)
