"""Rivals in processes of their own that take turns, so that a busy neighbour or a warm cache favours none."""

import random
import statistics
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

HERE = Path(__file__).resolve().parent


class Worker:
    """A rival that is ready: `measure()` gives its images/s now."""

    def __init__(self, name: str, data_dir: str):
        command = [sys.executable, str(HERE / "worker.py"), name, data_dir]
        self._process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
        )
        self._read("ready")

    def measure(self) -> float:
        """Images/s of one turn."""
        self._process.stdin.write("go\n")
        self._process.stdin.flush()
        return float(self._read("rate").split()[1])

    def close(self) -> None:
        """Ends the process."""
        self._process.kill()
        self._process.wait()

    def _read(self, word: str) -> str:
        for line in self._process.stdout:  # libraries print what they like before
            if line.startswith(word):
                return line
        raise SystemExit(f"{' '.join(self._process.args)} ended with {self._process.wait()}")


def take_turns(names: Sequence[str], data_dir: str, rounds: int) -> dict[str, list[float]]:
    """Images/s by name, a figure a round; within a round the order is drawn."""
    workers = {}
    try:
        for name in names:
            workers[name] = Worker(name, data_dir)
        figures = {name: [] for name in names}
        order, generator = list(names), random.Random(1)
        for _ in range(rounds):
            generator.shuffle(order)
            for name in order:
                figures[name].append(workers[name].measure())
        return figures
    finally:
        for worker in workers.values():
            worker.close()


def summary(figures: dict[str, list[float]], ours: str) -> dict[str, dict]:
    """By name: median, least and most images/s, and the same three of ours / theirs, round by round."""
    rows = {}
    for name, values in figures.items():
        ratios = [mine / other for mine, other in zip(figures[ours], values, strict=True)]
        rows[name] = {"images_per_second": _three(values), "ratio": _three(ratios)}
    return rows


def _three(values: Sequence[float]) -> list[float]:
    return [statistics.median(values), min(values), max(values)]
