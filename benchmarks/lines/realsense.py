"""The whole command, shell to exit, against the notebook's way; and the start-up against importing TensorFlow.

`train.py --dataset=realsense --epochs=15` on the rendered faces, which are there already. A first run has nothing
else: it indexes and packs. A later run finds both. The notebook's way reads the same files in every run.
"""

import random
import shutil
import subprocess
import sys
import time
from pathlib import Path

from benchmarks import figures, processes
from benchmarks.settings import ROOT, Settings


def measure(settings: Settings) -> list[dict]:
    """Seconds of first runs, later runs and the notebook's way; seconds to the first step over a bare import."""
    faces = render_faces(settings.scratch / "rendered")
    seconds = {"first": [], "later": [], "notebook": []}
    generator = random.Random(1)
    for number in range(settings.rounds):
        cache = settings.scratch / f"realsense-cache-{number}"
        shutil.copytree(faces, cache / faces.name)
        # A later run comes after a first one; the notebook's way may come anywhere.
        order = ["first", "later"]
        order.insert(generator.randrange(3), "notebook")
        for name in order:
            out = settings.scratch / f"realsense-{name}-{number}"
            command = _notebook(faces, out, settings) if name == "notebook" else _train(cache, out, settings)
            seconds[name].append(processes.run(command).seconds)
    rows = [
        figures.faster(f"command, {name} run", "notebook_way", seconds[name], seconds["notebook"], unit="s", target=1)
        for name in ("first", "later")
    ]
    return [*rows, _startup_row(settings, settings.scratch / "realsense-cache-0")]


def render_faces(cache_dir: Path) -> Path:
    """The folder of the rendered faces in `cache_dir`, made by Penstock itself."""
    code = "import sys, pathlib; from pipeline.sources.catalog import open_catalog; " \
           "print(open_catalog('realsense', '', pathlib.Path(sys.argv[1])).root.decode())"  # fmt: skip
    return Path(processes.run([sys.executable, "-c", code, str(cache_dir)]).output.strip())


def _train(cache: Path, run_dir: Path, settings: Settings) -> list[str]:
    epochs = 1 if settings.quick else 15
    return processes.script(
        "train.py", "--dataset=realsense", f"--epochs={epochs}", f"--cache_dir={cache}", f"--run_dir={run_dir}"
    )


def _notebook(faces: Path, out: Path, settings: Settings) -> list[str]:
    return processes.module("programs.notebook_way", faces, out, 1 if settings.quick else 15)


def _startup_row(settings: Settings, cache: Path) -> dict:
    ours, bare = [], []
    for number in range(settings.rounds):
        run_dir = settings.scratch / f"startup-{number}"
        flags = _train(cache, run_dir, settings)[2:]
        ours.append(_seconds_to_line(processes.module("programs.first_step", *flags), "first_step"))
        bare.append(processes.run([sys.executable, "-c", "import tensorflow"]).seconds)
    what = "start to the end of the first step, later run"
    return figures.at_most_times(what, "import tensorflow", ours, bare, unit="s", limit=1.3)


def _seconds_to_line(command: list[str], word: str) -> float:
    """From the process's start to the moment it prints `word`."""
    began = time.perf_counter()
    with subprocess.Popen(
        command, cwd=ROOT, env=processes.environment(), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        for line in process.stdout:
            if line.strip() == word:
                return time.perf_counter() - began
        raise SystemExit(f"{' '.join(command)} never said {word}:\n{process.stderr.read()[-3000:]}")
