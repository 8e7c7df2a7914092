"""Accuracy on the test pictures after 2, 5, 10 and 30 minutes of wall clock, start-up included, from scratch; and the
same from one backbone's weights.

The same pictures, split and machine for all, one after another, each a program that begins with nothing but the folder.
Each plans for the longest time in the way that its documentation shows for this job, and what counts at a mark is its
best validated epoch before it; where none had ended, its accuracy is 0. The test pictures are looked at when all
training is over. It takes two and a half hours, so it is measured where it is asked for by name alone, and what each
program has told is kept under benchmarks/.told until the line is whole: one that was stopped goes on with the others.
"""

import json
import shutil
import sys
import time
from pathlib import Path

from base.durable import write_json
from benchmarks import curves, figures, processes
from benchmarks.settings import ROOT, Settings

MARKS = (2, 5, 10, 30)
TRANSFER_MARKS = (1, 2, 5)
# PyTorch's rivals live in an environment of their own.
OTHER_PYTHON = ROOT / ".venv-accuracy" / "bin" / "python"
FROM_SCRATCH = {"fastai_learner": OTHER_PYTHON, "timm_script": OTHER_PYTHON, "ultralytics_classify": OTHER_PYTHON,
                "keras_tutorial": sys.executable}  # fmt: skip
WEIGHTS = "weights/mobilenet_v2_0.35_224_no_top.weights.h5"  # beside the pictures

TOLD = ROOT / "benchmarks" / ".told"

Points = list[tuple[float, float]]


def measure(settings: Settings) -> list[dict]:
    """A row a rival and mark: test accuracy, and how far ahead we are."""
    weights = settings.data_dir.parent / WEIGHTS
    marks, transfer_marks = ((1,), (1,)) if settings.quick else (MARKS, TRANSFER_MARKS)
    minutes = f"--train_minutes={marks[-1]}"  # the recipe for transfer has epochs of its own, fewer than would fit
    scratch = {"penstock": _points("penstock_recipe", sys.executable, marks[-1], settings, "catdog_scratch.flags",
                                   minutes)}  # fmt: skip
    scratch |= {name: _points(name, python, marks[-1], settings) for name, python in FROM_SCRATCH.items()}
    transfer = {
        "penstock": _points("penstock_recipe", sys.executable, transfer_marks[-1], settings, "catdog_transfer.flags",
                            f"--weights={weights}"),
        "keras_transfer": _points("keras_transfer", sys.executable, transfer_marks[-1], settings, weights),
    }  # fmt: skip
    if not settings.quick:
        shutil.rmtree(TOLD)
        curves.write({"from scratch": scratch, "from a backbone's weights": transfer})
    return [*_rows("from scratch", scratch, marks), *_rows("from a backbone's weights", transfer, transfer_marks)]


def at_mark(points: Points, minutes: float) -> float | None:
    """The accuracy of the last point, (seconds, accuracy), that was there after `minutes`."""
    there = [accuracy for seconds, accuracy in points if seconds <= 60 * minutes]
    return there[-1] if there else None


def _rows(what: str, points: dict[str, Points], marks: tuple[float, ...]) -> list[dict]:
    return [
        figures.ahead(f"test accuracy after {minutes} min, {what}", name, at_mark(points["penstock"], minutes),
                      at_mark(rival, minutes))
        for minutes in marks
        for name, rival in points.items()
        if name != "penstock"
    ]  # fmt: skip


def _points(name: str, python: str | Path, minutes: float, settings: Settings, *arguments: object) -> Points:
    if not Path(python).exists():
        raise SystemExit(f"{python} is not there: make bench ONLY=accuracy builds it")
    kept = TOLD / f"{name}-{minutes}.json"
    if settings.quick or not kept.exists():
        told = _told(name, python, minutes, settings, *arguments)
        print(f"  {name}: {told['epochs']} epochs, {told['points']}", flush=True)
        if not settings.quick:
            TOLD.mkdir(exist_ok=True)
            write_json(kept, told)
    else:
        told = json.loads(kept.read_text())
    return [(seconds, accuracy) for seconds, accuracy in told["points"]]


def _told(name: str, python: str | Path, minutes: float, settings: Settings, *arguments: object) -> dict:
    scratch = settings.scratch / name
    scratch.mkdir()
    home = f"HOME={scratch}"  # without anybody's caches
    program = [python, "-m", f"benchmarks.accuracy.{name}", settings.data_dir, scratch, minutes, time.time()]
    told = processes.run(["env", home, *map(str, (*program, *arguments))]).facts()
    shutil.rmtree(scratch, ignore_errors=True)
    return told
