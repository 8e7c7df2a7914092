"""From a thousand to a million files: seconds to the first batch, the first time and with nothing changed, and memory.

The files are BMP pictures of 8x8 pixels, 246 bytes each and all different, in ten class folders: a million take 4 GB
of disk while the line runs, as a file takes a block of 4 KiB. They have just been written and are read once before, so
they stand in the page cache where the machine keeps one; a virtual machine that gives its cache back measures its disk
instead, a million small reads. The row of plain reading, which is that first pass, shows which it was. "First time"
means that no index is remembered. Each figure is of a fresh process, and memory is what it held at most above what it
held once TensorFlow was imported. A million files are measured once, fewer in all rounds.
"""

import os
import shutil
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
        plain = read_all(folder)
        rows.append(figures.at_most(f"reading {size:,} files, nothing else", [plain], unit="s", limit=None))
        rounds = 1 if size >= 1_000_000 else settings.rounds
        rows += _rows(size, [_measure_once(folder, settings.scratch / "growth-cache") for _ in range(rounds)])
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


def _measure_once(folder: Path, cache_dir: Path) -> dict[str, tuple[dict, float]]:
    """By "first time" and "unchanged": (seconds by stage, MB above a bare TensorFlow process)."""
    shutil.rmtree(cache_dir, ignore_errors=True)
    figures_by_time = {}
    for when in ("first time", "unchanged"):
        finished = processes.run(processes.module("programs.index_growth", folder, cache_dir))
        facts = finished.facts()
        figures_by_time[when] = (facts["seconds"], (finished.peak_bytes - facts["bare_bytes"]) / 1e6)
    return figures_by_time


def _rows(size: int, measured: list[dict]) -> list[dict]:
    judged = size == SIZES[-1]
    rows = []
    for when in ("first time", "unchanged"):
        index = [row[when][0]["index"] for row in measured]
        what = f"index of {size:,} files, {when}"
        rows.append(figures.at_most(what, index, unit="s", limit=LIMITS[when] if judged else None))
    rest = [sum(row["unchanged"][0][stage] for stage in ("split", "order", "first batch")) for row in measured]
    rows.append(figures.at_most(f"split, order and first batch of {size:,}", rest, unit="s", limit=None))
    memory = [max(row[when][1] for when in row) for row in measured]
    limit = LIMITS["memory"] if judged else None
    rows.append(figures.at_most(f"memory above bare TensorFlow, {size:,}", memory, unit="MB", limit=limit))
    return rows
