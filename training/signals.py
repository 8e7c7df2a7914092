"""SIGTERM and SIGINT: the first asks the loop to finish its step and save, the second stops at once."""

import contextlib
import os
import signal
from collections.abc import Iterator

EXIT_STOPPED = 75  # EX_TEMPFAIL of sysexits.h: try again later


class StopRequest:
    """Whether somebody asked the run to stop."""

    def __init__(self):
        self.signal_name = ""

    def __bool__(self) -> bool:
        return bool(self.signal_name)

    def _receive(self, number: int, _frame) -> None:
        if self.signal_name:
            # Everything on disk is whole or absent, so there is nothing to tidy.
            os._exit(EXIT_STOPPED)
        self.signal_name = signal.Signals(number).name


class Stopped(Exception):  # noqa: N818 - not an error: a run that can be resumed
    """The run stopped on request, with a checkpoint to resume from."""


@contextlib.contextmanager
def listen() -> Iterator[StopRequest]:
    """A StopRequest that SIGTERM and SIGINT set while the block runs."""
    request = StopRequest()
    previous = {number: signal.signal(number, request._receive) for number in (signal.SIGTERM, signal.SIGINT)}
    try:
        yield request
    finally:
        for number, handler in previous.items():
            signal.signal(number, handler)
