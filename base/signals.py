"""SIGTERM, SIGINT, and the SIGHUP of a terminal that is closed: the first asks the loop to finish its step and save, a
second one stops at once.

Python runs a signal's handler between two of its own instructions, so never while it waits for a step of TensorFlow's,
which may take minutes. A thread is told of each signal right away: it says that it was heard, and ends the process
where nothing is to be saved.
"""

import contextlib
import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator
from typing import NoReturn

EXIT_STOPPED = 75  # EX_TEMPFAIL of sysexits.h: try again later
INTERRUPTED = "interrupted; nothing half-written is left"
GOES_ON = "the same command goes on from there"
# How long the thread leaves it to Python to stop the work at once, which tidies up more: to begin, and to be done.
GRACE_SECONDS = 1.0
TIDY_SECONDS = 10.0
# A signal may come twice at once: timeout(1), and a wrapper that passes on a terminal's Ctrl-C, send it to the process
# and to its group. Only a later one is a second request.
ECHO_SECONDS = 1.0


class StopRequest:
    """Whether somebody asked the run to stop."""

    def __init__(self, at_once: bool = False):
        """`at_once` raises Stopped where the signal comes, for a time in which there is nothing to save."""
        self.signal_name = ""
        self.at_once = at_once
        self.say: Callable[[str], None] = lambda line: None  # where the user reads that a signal was heard
        self.over = threading.Event()  # set once nobody listens any more
        self._heard, self._heard_at, self._received = "", 0.0, threading.Event()

    def _receive(self, number: int, _frame) -> None:
        if self.signal_name:
            return  # whether it is a second request, the thread knows, which hears of each at its time
        self.signal_name = signal.Signals(number).name
        self._received.set()
        if self.at_once:
            raise Stopped(self._at_once_line())

    def _hear(self, number: int) -> None:
        """In a thread, as soon as the signal is there."""
        now = time.monotonic()
        if self._heard:
            # Of one closed terminal, the shell and the kernel send a SIGHUP each.
            if number != signal.SIGHUP and now - self._heard_at > ECHO_SECONDS:
                self._end()
            return
        self._heard, self._heard_at = signal.Signals(number).name, now
        if not self.at_once:
            self.say(f"{self._heard}: stopping once what is running is done and saved; a second one stops at once")
        else:
            threading.Thread(target=self._see_it_end, name="signals end", daemon=True).start()

    def _see_it_end(self) -> None:
        # Python may be waiting, or what was raised may have come to nothing, as all does in a __del__.
        if not (self._received.wait(GRACE_SECONDS) and self.over.wait(TIDY_SECONDS)):
            self._end()

    def _end(self) -> NoReturn:
        """Ends the process: everything on disk is whole or absent, so there is nothing to tidy."""
        with contextlib.suppress(OSError):
            print(f"{self._at_once_line()}; {GOES_ON}", file=sys.stderr, flush=True)
        os._exit(EXIT_STOPPED)

    def _at_once_line(self) -> str:
        return f"{self.signal_name or self._heard}: stopped at once; nothing half-written is left"


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
    with _told(lambda number: number in numbers and request._hear(number)):
        previous = {number: signal.signal(number, request._receive) for number in numbers}
        try:
            yield request
        finally:
            request.over.set()
            for number, handler in previous.items():
                signal.signal(number, handler)


@contextlib.contextmanager
def _told(hear: Callable[[int], object]) -> Iterator[None]:
    """A block during which a thread calls `hear` with the number of each signal, whatever Python is waiting for."""
    told, tell = os.pipe()
    os.set_blocking(tell, False)
    before = signal.set_wakeup_fd(tell, warn_on_full_buffer=False)

    def wait() -> None:
        while numbers := os.read(told, 1):
            hear(numbers[0])

    thread = threading.Thread(target=wait, name="signals", daemon=True)
    thread.start()
    try:
        yield
    finally:
        signal.set_wakeup_fd(before)
        os.close(tell)
        thread.join(timeout=2 * GRACE_SECONDS)
        os.close(told)
