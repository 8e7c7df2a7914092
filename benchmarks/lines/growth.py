"""From a thousand to a million files: seconds to the first batch, the first time and with nothing changed, and memory.

The files are BMP pictures of 8x8 pixels, 246 bytes each and all different, in ten class folders: a million take 4 GB
of disk while the line runs, as a file takes a block of 4 KiB. They have just been written and are read once before, so
they stand in the page cache where the machine keeps one; a virtual machine that gives its cache back measures its disk
instead, a million small reads. The row of plain reading, which is that first pass, shows which it was. "First time"
means that no index is remembered; at a million files that is measured once, all else in all rounds. Each figure is of
a fresh process, and memory is what it held at most above what it held once TensorFlow was imported. What was written
is on the disk before anything is timed: the kernel's own writing of 4 GB took a core meanwhile.
"""

import os
import shutil
import statistics
import struct
import time
from pathlib import Path

from benchmarks import figures, processes
from benchmarks.settings import Settings

SIZES = (1_000, 10_000, 100_000, 1_000_000)
# Limits at a million files, in seconds and MB.
LIMITS = {"first time": 60, "unchanged": 4, "memory": 600}
CLASSES, SIDE = 10, 8
_PIXEL_BYTES = 3 * SIDE * SIDE
_HEADER = struct.pack("<2sIHHI", b"BM", 54 + _PIXEL_BYTES, 0, 0, 54) + struct.pack(
    "<IiiHHIIiiII", 40, SIDE, SIDE, 1, 24, 0, _PIXEL_BYTES, 2835, 2835, 0, 0
)


def measure(settings: Settings) -> list[dict]:
    """Rows for each size up to `settings.largest`; the folder grows from one to the next."""
    folder, rows, written = settings.scratch / "files", [], 0
    for size in (size for size in SIZES if size <= settings.largest):
        write_files(folder, written, size)
        written = size
        os.sync()
        plain = read_all(folder)
        rows.append(figures.at_most(f"reading {size:,} files, nothing else", [plain], unit="s", limit=None))
        rows += _rows(size, _measure(folder, settings.scratch / "growth-cache", size, settings.rounds))
    return rows


def write_files(folder: Path, first: int, last: int) -> None:
    """Pictures number `first` to `last` - 1: one gray each, and its number in the first pixels."""
    for label in range(CLASSES):
        (folder / f"class{label}").mkdir(parents=True, exist_ok=True)
    for number in range(first, last):
        pixels = struct.pack("<Q", number) + bytes([number % 251]) * (_PIXEL_BYTES - 8)
        with open(f"{folder}/class{number % CLASSES}/{number:07d}.bmp", "wb", buffering=0) as file:
            file.write(_HEADER + pixels)


def read_all(folder: Path) -> float:
    """Seconds of opening and reading every file, one after another."""
    began = time.perf_counter()
    for entry in (entry for label in os.scandir(folder) for entry in os.scandir(label.path)):
        with open(entry.path, "rb", buffering=0) as file:
            file.read()
    return time.perf_counter() - began


def _measure(folder: Path, cache_dir: Path, size: int, rounds: int) -> dict[str, list[tuple[dict, float]]]:
    """By "first time" and "unchanged": (seconds by stage, MB above a bare TensorFlow process) of each round."""
    measured = {"first time": [], "unchanged": []}
    for number in range(rounds):
        if number == 0 or size < SIZES[-1]:
            shutil.rmtree(cache_dir, ignore_errors=True)
            measured["first time"].append(_measure_once(folder, cache_dir))
        measured["unchanged"].append(_measure_once(folder, cache_dir))
    return measured


def _measure_once(folder: Path, cache_dir: Path) -> tuple[dict, float]:
    finished = processes.run(processes.module("programs.index_growth", folder, cache_dir))
    facts = finished.facts()
    return facts["seconds"], (finished.peak_bytes - facts["bare_bytes"]) / 1e6


def _rows(size: int, measured: dict[str, list[tuple[dict, float]]]) -> list[dict]:
    limits = LIMITS if size == SIZES[-1] else dict.fromkeys(LIMITS)
    rows = []
    for when, of_rounds in measured.items():
        index = [seconds["index"] for seconds, _ in of_rounds]
        rows.append(figures.at_most(f"index of {size:,} files, {when}", index, unit="s", limit=limits[when]))
    rest = [sum(seconds[stage] for stage in ("split", "order", "first batch")) for seconds, _ in measured["unchanged"]]
    rows.append(figures.at_most(f"split, order and first batch of {size:,}", rest, unit="s", limit=None))
    memory = max(([most for _, most in of_rounds] for of_rounds in measured.values()), key=statistics.median)
    what = f"memory above bare TensorFlow, {size:,}"
    rows.append(figures.at_most(what, memory, unit="MB", limit=limits["memory"]))
    return rows
