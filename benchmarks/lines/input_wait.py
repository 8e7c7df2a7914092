"""What the input costs a step, and where augmentation costs less: steps with the warm input, augmented by the host
or inside the step, against a batch held in memory, in one process.

One block of steps differs from the next by more than the answer, so there are many short ones, and what is judged is
the median over the rounds.
"""

from benchmarks import figures, processes
from benchmarks.lines.realsense import render_faces
from benchmarks.settings import Settings

LIMIT_PERCENT = 2.0
STEPS, BLOCKS_A_ROUND = 16, 6


def measure(settings: Settings) -> list[dict]:
    """(host - free) / host, in per cent, for catdog_2 with the report's augmentation and for realsense_cnn; and for
    catdog_2 the step that augments itself over the one whose input the host augments."""
    cache_dir = settings.scratch / "input-wait-cache"
    render_faces(cache_dir)
    rows = []
    for dataset, model, data_dir in (("catdog", "catdog_2", settings.data_dir), ("realsense", "realsense_cnn", "")):
        rounds, steps = (1, 2) if settings.quick else (BLOCKS_A_ROUND * settings.rounds, STEPS)
        command = processes.module("programs.input_wait", dataset, data_dir, cache_dir, rounds, steps)
        seconds = processes.run(command).facts()
        shares = [100 * (1 - free / host) for host, free in zip(seconds["host"], seconds["free"], strict=True)]
        rows.append(figures.at_most(f"input's share of a {model} step", shares, unit="%", limit=LIMIT_PERCENT))
        if dataset == "catdog":  # the faces are not augmented
            what = "a step that augments, on this CPU"
            rows.append(
                figures.at_most_times(
                    what, "augmented by the host", seconds["device"], seconds["host"], unit="s", limit=None
                )
            )
    return rows
