"""Whole programs in processes of their own: how long they took, what they printed, how much memory they held."""

import dataclasses
import json
import os
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

from benchmarks.settings import ROOT

_SAMPLE_SECONDS = 0.05


@dataclasses.dataclass(frozen=True)
class Finished:
    """A program that ended with 0.

    Attributes:
      seconds: from start to exit.
      peak_bytes: most memory that it held itself (`held_bytes`), sampled 20 times a second; its children's is not in
        it, which favours who has some.
      output: its standard output.
    """

    seconds: float
    peak_bytes: float
    output: str

    def values(self, word: str) -> list[float]:
        """The numbers of the output's lines "`word` NUMBER"."""
        lines = (line.split() for line in self.output.splitlines())
        return [float(line[1]) for line in lines if len(line) == 2 and line[0] == word]

    def facts(self) -> dict:
        """The last line, which is JSON."""
        return json.loads(self.output.splitlines()[-1])


def module(name: str, *arguments: object) -> list[str]:
    """The command that runs `benchmarks.NAME` in this environment."""
    return [sys.executable, "-m", f"benchmarks.{name}", *map(str, arguments)]


def script(name: str, *arguments: object) -> list[str]:
    """The command that runs one of Penstock's scripts in this environment."""
    return [sys.executable, str(ROOT / name), *map(str, arguments)]


def environment() -> dict[str, str]:
    """This process's, with TensorFlow's notes turned off."""
    return os.environ | {"TF_CPP_MIN_LOG_LEVEL": "3"}


def run(command: list[str]) -> Finished:
    """Runs a program in the checkout to its end; SystemExit with what it printed where it fails."""
    with tempfile.TemporaryFile("w+") as output, tempfile.TemporaryFile("w+") as errors:
        began = time.perf_counter()
        process = subprocess.Popen(command, cwd=ROOT, env=environment(), stdout=output, stderr=errors)
        ended, peak_bytes = _watch(process)
        for file in (output, errors):
            file.seek(0)
        if process.returncode:
            raise SystemExit(f"{' '.join(command)} ended with {process.returncode}:\n{errors.read()[-3000:]}")
        return Finished(ended - began, peak_bytes, output.read())


def held_bytes(process_id: int | str) -> float:
    """RssAnon + RssShmem: memory that cannot be dropped, so without page cache; 0 where the process has ended."""
    try:
        lines = Path(f"/proc/{process_id}/status").read_text().splitlines()
    except OSError:
        return 0.0
    return sum(float(line.split()[1]) * 1024 for line in lines if line.startswith(("RssAnon", "RssShmem")))


def _watch(process: subprocess.Popen) -> tuple[float, float]:
    """(the moment it ended, the most bytes it held)."""
    peak, done = 0.0, threading.Event()

    def sample() -> None:
        nonlocal peak
        while not done.wait(_SAMPLE_SECONDS):
            peak = max(peak, held_bytes(process.pid))

    watcher = threading.Thread(target=sample)
    watcher.start()
    try:
        process.wait()
        return time.perf_counter(), peak
    finally:
        process.kill()  # only where something interrupted the wait
        done.set()
        watcher.join()
