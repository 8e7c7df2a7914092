"""A program as a process of its own, which hears the signals that this one hears and does not outlive it."""

import os
import signal
import subprocess
from collections.abc import Sequence

from base import parent
from base.signals import StopRequest

_POLL_SECONDS = 0.2


def run_child(command: Sequence[str], stop: StopRequest) -> int:
    """Runs a command to its end, on this process's terminal; returns its exit code, minus a signal's number where that
    ended it.

    A signal that `stop` has heard is passed on once; the child ends in its own time. A script of ours is killed where
    this process dies, however it may.
    """
    environment = os.environ | {parent.VARIABLE: str(os.getpid())}
    with subprocess.Popen([*command], env=environment) as child:
        passed_on = ""
        while True:
            try:
                return child.wait(timeout=_POLL_SECONDS)
            except subprocess.TimeoutExpired:
                # A terminal's Ctrl-C has come to the child as well: it takes two of one second for one.
                if stop.signal_name and not passed_on:
                    passed_on = stop.signal_name
                    child.send_signal(signal.Signals[passed_on])
