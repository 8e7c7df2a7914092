"""Runs in forks of this session's `tests.helpers.run_server`, to be used as `subprocess.Popen` with pipes is."""

import atexit
import contextlib
import functools
import json
import os
import select
import signal
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import TextIO

ROOT = Path(__file__).resolve().parents[2]


class Fork:
    """A script that runs; `tests.helpers.run_server` says what an order holds.

    Attributes:
      pid: of the run.
      returncode: its exit code, negative for a signal; None until `poll`, `wait` or `communicate` has seen its end.
      stdout, stderr: what it writes, text.
    """

    def __init__(self, **order):
        (self.stdout, output), (self.stderr, error), (self._answers, answers) = _pipe(), _pipe(), _pipe()
        socket.send_fds(_server(), [json.dumps(order).encode()], [output, error, answers])
        for file in (output, error, answers):
            os.close(file)
        self.pid, self.returncode = int(self._answers.readline()), None
        self._readers: list[threading.Thread] = []
        self._texts: dict[TextIO, str] = {}

    def poll(self) -> int | None:
        """The exit code; None while it runs."""
        with contextlib.suppress(subprocess.TimeoutExpired):
            self.wait(0)
        return self.returncode

    def wait(self, timeout: float | None = None) -> int:
        """The exit code, at its end; raises subprocess.TimeoutExpired after `timeout` seconds."""
        if self.returncode is None:
            if not select.select([self._answers], [], [], timeout)[0]:
                raise subprocess.TimeoutExpired("a fork", timeout)
            self.returncode = int(self._answers.readline())
            self._answers.close()
        return self.returncode

    def communicate(self, timeout: float | None = None) -> tuple[str, str]:
        """(the rest of its output, of its errors) at its end; raises subprocess.TimeoutExpired, then call it again."""
        until = None if timeout is None else time.monotonic() + timeout
        if not self._readers:
            self._readers = [threading.Thread(target=self._read, args=[stream], daemon=True)
                             for stream in (self.stdout, self.stderr)]  # fmt: skip
            for reader in self._readers:
                reader.start()
        for reader in self._readers:
            reader.join(until and max(0, until - time.monotonic()))
            if reader.is_alive():
                raise subprocess.TimeoutExpired("a fork", timeout)
        self.wait(until and max(0, until - time.monotonic()))
        return self._texts[self.stdout], self._texts[self.stderr]

    def send_signal(self, number: int) -> None:
        """Nothing where it has ended."""
        if self.poll() is None:
            with contextlib.suppress(ProcessLookupError):  # it has ended since
                os.kill(self.pid, number)

    def kill(self) -> None:
        """As the kernel does where memory is short."""
        self.send_signal(signal.SIGKILL)

    def _read(self, stream: TextIO) -> None:
        with stream:
            self._texts[stream] = stream.read()


def _pipe() -> tuple[TextIO, int]:
    ours, theirs = os.pipe()
    return open(ours, encoding="utf-8"), theirs


@functools.cache
def _server() -> socket.socket:
    """What takes orders; the server ends with it."""
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    command = [sys.executable, "-m", "tests.helpers.run_server", str(theirs.fileno())]
    process = subprocess.Popen(command, cwd=ROOT, pass_fds=[theirs.fileno()], stdin=subprocess.DEVNULL)
    theirs.close()
    atexit.register(lambda: (ours.close(), process.wait()))
    return ours
