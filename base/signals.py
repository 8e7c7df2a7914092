"""SIGTERM, SIGINT, and the SIGHUP of a terminal that is closed: the first asks the loop to finish its step and save, a
second one stops at once."""

import contextlib
import os
import signal
from collections.abc import Iterator

EXIT_STOPPED = 75  # EX_TEMPFAIL of sysexits.h: try again later
INTERRUPTED = "interrupted; nothing half-written is left"


class StopRequest:
    """Whether somebody asked the run to stop."""

    def __init__(self, at_once: bool = False):
        """`at_once` raises Stopped where the signal comes, for a time in which there is nothing to save."""
        self.signal_name = ""
        self.at_once = at_once

    def _receive(self, number: int, _frame) -> None:
        if self.signal_name:
            if number == signal.SIGHUP:
                return  # of one closed terminal, the shell and the kernel send one each
            # Everything on disk is whole or absent, so there is nothing to tidy.
            os._exit(EXIT_STOPPED)
        self.signal_name = signal.Signals(number).name
        if self.at_once:
            raise Stopped(f"{self.signal_name}: stopped at once; nothing half-written is left")


class Stopped(BaseException):
    """The run stopped on request, with a checkpoint to resume from.

    No Exception, as KeyboardInterrupt is none: a signal may come in the middle of a library, whose `except Exception`
    would make a fault of its own of it (seen in inspect.signature, while TensorFlow was imported).
    """


@contextlib.contextmanager
def listen(at_once: bool = False) -> Iterator[StopRequest]:
    """A StopRequest that SIGTERM, SIGINT and SIGHUP set while the block runs; under nohup SIGHUP stays ignored."""
    request = StopRequest(at_once)
    numbers = [signal.SIGTERM, signal.SIGINT]
    if signal.getsignal(signal.SIGHUP) != signal.SIG_IGN:
        numbers.append(signal.SIGHUP)
    previous = {number: signal.signal(number, request._receive) for number in numbers}
    try:
        yield request
    finally:
        for number, handler in previous.items():
            signal.signal(number, handler)
