"""Rivals in processes of their own that take turns, so that a busy neighbour or a warm cache favours none.

A rival and all its own workers are stopped (SIGSTOP) outside its turns: some loaders fill buffers of gigabytes as long
as they live, which slows whoever is measured and makes their own next turn look faster than it is.
"""

import contextlib
import os
import random
import signal
import subprocess
import tempfile
from collections.abc import Sequence

from benchmarks import figures, processes
from benchmarks.settings import ROOT, Settings

TURN_SECONDS, QUICK_SECONDS = 3.0, 0.2


class Worker:
    """A rival that is ready: `measure()` gives its pictures/s now."""

    def __init__(self, name: str, settings: Settings):
        seconds = QUICK_SECONDS if settings.quick else TURN_SECONDS
        self._errors = tempfile.TemporaryFile("w+")  # noqa: SIM115 - closed by close()
        self._process = subprocess.Popen(
            processes.module("worker", name, settings.data_dir, settings.scratch, seconds),
            cwd=ROOT, env=processes.environment(), text=True,
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self._errors, start_new_session=True,
        )  # fmt: skip
        self._read("ready")
        self._signal(signal.SIGSTOP)

    def measure(self) -> float:
        """Pictures/s of one turn."""
        self._signal(signal.SIGCONT)
        self._process.stdin.write("go\n")
        self._process.stdin.flush()
        rate = float(self._read("rate").split()[1])
        self._signal(signal.SIGSTOP)
        return rate

    def close(self) -> None:
        """Ends the process: politely, so that its own workers end too."""
        self._signal(signal.SIGCONT)
        self._process.stdin.close()
        try:
            self._process.wait(10)
        except subprocess.TimeoutExpired:
            self._signal(signal.SIGKILL)
            self._process.wait()
        self._errors.close()

    def _signal(self, number: signal.Signals) -> None:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._process.pid, number)

    def _read(self, word: str) -> str:
        for line in self._process.stdout:  # libraries print what they like before
            if line.startswith(word):
                return line
        code = self._process.wait()
        self._errors.seek(0)
        raise SystemExit(f"{' '.join(self._process.args)} ended with {code}:\n{self._errors.read()[-3000:]}")


def read_pictures(settings: Settings) -> None:
    """Brings the training pictures into the page cache: some machines drop from it what was not read for minutes."""
    for path in settings.data_dir.glob("train/*/*"):
        path.read_bytes()


def take_turns(names: Sequence[str], settings: Settings) -> dict[str, list[float]]:
    """Pictures/s by name, a figure a round; within a round the order is drawn."""
    workers = {}
    try:
        for name in names:
            workers[name] = Worker(name, settings)
        figures_by_name = {name: [] for name in names}
        order, generator = list(names), random.Random(1)
        for _ in range(settings.rounds):
            generator.shuffle(order)
            for name in order:
                read_pictures(settings)
                figures_by_name[name].append(workers[name].measure())
        return figures_by_name
    finally:
        for worker in workers.values():
            worker.close()


def compare(ours: str, rivals: dict[str, tuple[str, float | None]], what: str, settings: Settings) -> list[dict]:
    """A row a rival, in pictures/s; `rivals` says, by name, the sense and value of each ratio's target."""
    rates = take_turns([ours, *rivals], settings)
    return [
        figures.faster(what, name, rates[ours], rates[name], unit="images/s", target=target, sense=sense)
        for name, (sense, target) in rivals.items()
    ]
