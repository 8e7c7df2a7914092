"""Class folders that a tiny network can learn, scripts run in forks or in this process, one finished run."""

import contextlib
import csv
import dataclasses
import fcntl
import functools
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

import numpy as np
from absl import flags
from PIL import Image

from cli import guard
from tests.helpers.forks import Fork

ROOT = Path(__file__).resolve().parents[2]
SHARED = "PENSTOCK_TESTS_DIR"  # a folder that all processes of the tests share
SHAPES = ("disk", "square", "stripes")
BROKEN = b"\xff\xd8\xff\xe0 this is no picture"
# A network that learns the shapes in seconds, with everything in play that a resumed run must get right.
SMALL_MODEL = ("--model=catdog_1", "--filters=4,8", "--units=8", "--dropout=0.3", "--image_size=16", "--threads=2")
LIVELY = ("--augment=strong", "--schedule=cosine", "--warmup_epochs=0.5", "--learning_rate=0.01", "--l2=0.0001")


def shape_picture(shape: str, seed: int) -> np.ndarray:
    """uint8 [height, width, 3], sides of 24 to 40 pixels: a bright shape somewhere in the middle of colored noise."""
    generator = np.random.default_rng(seed)
    height, width = generator.integers(24, 41, 2)
    row, column = np.mgrid[0:height, 0:width]
    row = row - height * generator.uniform(0.4, 0.6)
    column = column - width * generator.uniform(0.4, 0.6)
    radius = min(height, width) * generator.uniform(0.25, 0.35)
    inside = {
        "disk": np.hypot(row, column) < radius,
        "square": np.maximum(abs(row), abs(column)) < 0.6 * radius,
        "stripes": (abs(row) % 8 < 3) & (abs(column) < 2 * radius),
    }[shape]
    tint = generator.uniform(120, 220, 3)
    return np.clip(generator.normal(60, 25, (height, width, 3)) + inside[..., None] * tint, 0, 255).astype(np.uint8)


def write_shapes(root: Path, counts: Mapping[str, int], seed: int = 0) -> Path:
    """Writes counts[folder] pictures, PNG and JPEG in turn; the folder's last part names its shape."""
    for folder, count in counts.items():
        (root / folder).mkdir(parents=True, exist_ok=True)
        shape = Path(folder).name
        for number in range(count):
            picture = shape_picture(shape, seed + 10_000 * SHAPES.index(shape) + number)
            suffix, settings = (".png", {}) if number % 2 else (".jpg", {"quality": 92})
            Image.fromarray(picture).save(root / folder / f"{number:04d}{suffix}", **settings)
    return root


@functools.cache
def session_dir() -> Path:
    """A folder of this process that lives as long as the tests: its cache is shared by all runs."""
    session_dir.keep = tempfile.TemporaryDirectory(prefix="penstock-tests-", dir=os.environ.get(SHARED))
    return Path(session_dir.keep.name)


def made_once(name: str, make: Callable[[Path], None]) -> Path:
    """A file or folder that `make` has made, in whichever of the session's processes asked for it first.

    `make` gets the path; where it fails, the next one to ask tries again.
    """
    path = Path(os.environ.get(SHARED) or session_dir()) / name
    with open(f"{path}.making", "a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not os.path.exists(f"{path}.made"):
            make(path)
            Path(f"{path}.made").touch()
    return path


@functools.cache
def shapes_dir() -> Path:
    """321 pictures of three classes, one of them twice, and a broken file; 25 steps of 8, the last one padded."""

    def make(root: Path) -> None:
        write_shapes(root, {"disk": 107, "square": 105, "stripes": 108})
        (root / "square" / "broken.jpg").write_bytes(BROKEN)
        (root / "square" / "same.jpg").write_bytes((root / "square" / "0000.jpg").read_bytes())

    return made_once("shapes", make)


@functools.cache
def finished_run() -> Path:
    """The folder of an uninterrupted run: mixed_bfloat16, packed, three epochs of 25 steps. Its log stands beside it.

    Several processes read it: who has a script claim it takes a copy.
    """

    def make(run_dir: Path) -> None:
        done = run_script("train.py", *lively_flags("mixed_bfloat16"), f"--run_dir={run_dir}")
        assert done.code == 0, f"exit code {done.code}: {done.stderr}"
        run_dir.with_suffix(".log").write_text(done.stdout)

    return made_once("finished", make)


def lively_flags(precision: str) -> tuple[str, ...]:
    """A run of 3 epochs of 25 steps with dropout, augmentation, shuffling, a schedule and frequent checkpoints."""
    return (f"--dataset=folder:{shapes_dir()}", *SMALL_MODEL, *LIVELY, f"--precision={precision}", "--epochs=3",
            "--global_batch_size=8", "--checkpoint_every_steps=2", "--seed=3")  # fmt: skip


@dataclasses.dataclass(frozen=True)
class Done:
    """How a script ended."""

    code: int
    stdout: str
    stderr: str


def environment() -> dict[str, str]:
    """This process's, with the session's cache folder."""
    return {name: value for name, value in os.environ.items() if name != "TF_CONFIG"} | {
        "XDG_CACHE_HOME": str(session_dir() / "cache")
    }


def start_script(
    name: str, *arguments: str, cwd: Path | None = None, replaced: Sequence[tuple] = (), visits: str = "", **more: str
) -> Fork:
    """Starts a script of the repository in a fork of a process that has loaded TensorFlow; `more` of environment.

    `tests.helpers.run_server` says what may be replaced.
    """
    return Fork(
        script=str(ROOT / name), arguments=[*map(str, arguments)], environment=environment() | more,
        cwd=str(cwd or session_dir()), replaced=[*replaced], visits=visits,
    )  # fmt: skip


def start_process(name: str, *arguments: str, cwd: Path | None = None) -> subprocess.Popen:
    """Starts a script as a process of its own, four seconds slower: where it is the start that is tested."""
    return subprocess.Popen(
        [sys.executable, str(ROOT / name), *arguments], cwd=cwd or session_dir(), env=environment(), text=True,
        stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    )  # fmt: skip


@contextlib.contextmanager
def in_another_process(code: str, *arguments: str) -> Iterator[subprocess.Popen]:
    """Python that runs `code` and has printed "held"; killed at the end of the block."""
    command = [sys.executable, "-c", code, *arguments]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout.readline() == "held\n"
        yield process
        process.kill()


def run_script(name: str, *arguments: str, cwd: Path | None = None, start=start_script, **more) -> Done:
    """Runs a script to its end, by `start`."""
    return _end_of(start(name, *arguments, cwd=cwd, **more))


def run_code(code: str, *arguments: str) -> Done:
    """Runs Python that uses TensorFlow, in a fork as `start_script` does, with the repository's root on its path."""
    with tempfile.NamedTemporaryFile("w", suffix=".py", dir=session_dir()) as file:
        file.write(code)
        file.flush()
        return run_script(file.name, *arguments, cwd=ROOT)


def _end_of(run: Fork | subprocess.Popen) -> Done:
    try:
        stdout, stderr = run.communicate(timeout=300)
    finally:
        run.kill()
    return Done(run.returncode, stdout, stderr)


def call_script(script, arguments: list[str], monkeypatch, capfd) -> Done:
    """Runs a script's module in this process, through the same parser and the same handling of errors."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(session_dir() / "cache"))
    values = flags.FlagValues()
    script.define_flags(values)
    monkeypatch.setattr(flags, "FLAGS", values)
    capfd.readouterr()
    code = 0
    try:
        rest = guard.parse(ROOT / Path(script.__file__).name, [script.__file__, *arguments])[1:]
        guard.call(script.main, rest)
    except SystemExit as stop:
        code = stop.code
    captured = capfd.readouterr()
    return Done(code, captured.out, captured.err)


def read_rows(path: Path) -> list[dict[str, str]]:
    """The rows of a CSV file, by column name."""
    with open(path, newline="", encoding="utf-8", errors="surrogateescape") as file:
        return list(csv.DictReader(file))
