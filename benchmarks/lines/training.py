"""Training catdog_2 with the report's augmentation: train.py against three ways to write it by hand, seconds an epoch.

Every round runs each as a whole program, in a drawn order; an epoch is the median of a program's epochs but the first,
its steps alone: nobody validates or saves inside it.
"""

import csv
import random
import statistics
from pathlib import Path

from benchmarks import figures, processes
from benchmarks.settings import Settings

# (epochs a round, target): slow ones get fewer epochs.
RIVALS = {"report_way": (3, 5.0), "keras_way": (3, 2.5), "torch_way": (4, 1.2)}
EPOCHS = 5


def measure(settings: Settings) -> list[dict]:
    """Seconds an epoch and memory against each rival, and our input wait."""
    seconds = {name: [] for name in ("penstock", *RIVALS)}
    gigabytes = {name: [] for name in seconds}
    waits = []
    order, generator = list(seconds), random.Random(1)
    for number in range(settings.rounds):
        generator.shuffle(order)
        for name in order:
            if name == "penstock":
                epoch, finished, wait = _run_penstock(settings, settings.scratch / f"training-{number}")
                waits.append(100 * wait)
            else:
                epoch, finished = _run_rival(settings, name)
            seconds[name].append(epoch)
            gigabytes[name].append(finished.peak_bytes / 1e9)
    return _rows(seconds, gigabytes, waits)


def _rows(seconds: dict, gigabytes: dict, waits: list[float]) -> list[dict]:
    rows = [
        figures.faster("seconds an epoch", name, seconds["penstock"], seconds[name], unit="s", target=target)
        for name, (_, target) in RIVALS.items()
    ]
    rows += [
        figures.at_most_times("memory", name, gigabytes["penstock"], gigabytes[name], unit="GB", limit=None)
        for name in RIVALS
    ]
    return [*rows, figures.at_most("input wait of the steps' time", waits, unit="%", limit=None)]


def _run_penstock(settings: Settings, run_dir: Path) -> tuple[float, processes.Finished, float]:
    """(seconds an epoch, the program, input wait as a fraction)."""
    finished = processes.run(
        processes.script(
            "train.py", "--dataset=catdog", f"--data_dir={settings.data_dir}", f"--run_dir={run_dir}",
            f"--cache_dir={settings.scratch / 'training-cache'}", f"--epochs={2 if settings.quick else EPOCHS}",
        )
    )  # fmt: skip
    with open(run_dir / "history.csv", newline="") as file:
        warm = list(csv.DictReader(file))[1:]
    epoch, wait = (statistics.median(float(row[name]) for row in warm) for name in ("seconds", "input_wait_fraction"))
    return epoch, finished, wait


def _run_rival(settings: Settings, name: str) -> tuple[float, processes.Finished]:
    epochs = 2 if settings.quick else RIVALS[name][0]
    finished = processes.run(processes.module(f"programs.{name}", settings.data_dir, epochs))
    return statistics.median(finished.values("epoch_seconds")[1:]), finished
