"""What the input costs a step: with the real warm input against a batch held in memory, in one process."""

from benchmarks import figures, processes
from benchmarks.lines.realsense import render_faces
from benchmarks.settings import Settings

LIMIT_PERCENT = 2.0
STEPS = 40  # a block: seconds, so that the pipeline runs as it does in an epoch


def measure(settings: Settings) -> list[dict]:
    """(with - free) / with, in per cent, for catdog_2 with the report's augmentation and for realsense_cnn."""
    render_faces(settings.scratch / "input-wait-cache")
    rows = []
    for dataset, model, data_dir in (("catdog", "catdog_2", settings.data_dir), ("realsense", "realsense_cnn", "")):
        command = processes.module(
            "programs.input_wait", dataset, data_dir, settings.scratch / "input-wait-cache", settings.rounds,
            2 if settings.quick else STEPS,
        )  # fmt: skip
        seconds = processes.run(command).facts()
        shares = [100 * (1 - free / real) for real, free in zip(seconds["with"], seconds["free"], strict=True)]
        rows.append(figures.at_most(f"input's share of a {model} step", shares, unit="%", limit=LIMIT_PERCENT))
    return rows
