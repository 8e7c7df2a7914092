"""Runs that are killed at named points and started again, and what must be the same when they have ended."""

import functools
import json
import signal
from collections.abc import Sequence
from pathlib import Path

from base import kill_points
from tests.helpers.outcomes import outcome
from tests.helpers.run_fixtures import LIVELY, SMALL_MODEL, made_once, run_script, write_shapes

# What may be another after a restart, and changes no bit: threads of the maps, batches held ready.
PIPELINES = ((2, 2, 4), (1, 3, 1), (3, 1, 2))


@functools.cache
def few_shapes_dir() -> Path:
    """100 pictures of three classes and a broken one: 60 to train on."""

    def make(root: Path) -> None:
        write_shapes(root, {"disk": 33, "square": 34, "stripes": 33}, seed=7)
        (root / "disk" / "broken.png").write_bytes(b"\x89PNG\r\n\x1a\n and no more")

    return made_once("few", make)


def eventful_flags(precision: str) -> tuple[str, ...]:
    """A run in which everything happens: dropout, augmentation, shuffling, a schedule, checkpoints every few steps, a
    best epoch that is not the last one, and early stopping."""
    return (f"--dataset=folder:{few_shapes_dir()}", *SMALL_MODEL, *LIVELY, f"--precision={precision}", "--epochs=12",
            "--global_batch_size=8", "--learning_rate=0.03", "--early_stop_patience=1", "--seed=5")  # fmt: skip


class KilledRun:
    """A run in a folder of its own, with a cache of its own, started as often as it takes."""

    def __init__(self, folder: Path, precision: str):
        folder.mkdir()
        self.run_dir, self.log = folder / "run", folder / "log"
        self._cache_dir = folder / "cache"
        self._flags = (*eventful_flags(precision), f"--run_dir={self.run_dir}")
        self._starts = 0

    def start(self, fault: str = "", more_replaced: Sequence[tuple] = (), visits: str = "") -> int:
        """The exit code; each start has another cache choice, checkpoint cadence and number of map threads."""
        number = self._starts
        self._starts += 1
        augment_calls, pack_calls, prefetch = PIPELINES[number % 3]
        replaced = (
            ("pipeline.graph", "AUGMENT_PARALLEL_CALLS", augment_calls),
            ("pipeline.graph", "PREFETCH_BATCHES", prefetch),
            ("pipeline.pixels", "PACK_PARALLEL_CALLS", pack_calls),
        )
        cache = "pack" if number % 2 == 0 or fault.startswith("pack") else "none"
        more = (f"--cache={cache}", f"--checkpoint_every_steps={(3, 2, 5)[number % 3]}")
        arguments = (*self._flags, *more)
        environment = {kill_points.VARIABLE: fault, "XDG_CACHE_HOME": str(self._cache_dir)}
        done = run_script("train.py", *arguments, replaced=(*replaced, *more_replaced), visits=visits, **environment)
        self.log.write_text(done.stdout + done.stderr)
        return done.code

    def kill_at(self, fault: str) -> bool:
        """Whether the run was killed there; False where it ended before, and ended well."""
        code = self.start(fault)
        assert code in (0, -signal.SIGKILL), self.log.read_text()
        return code != 0

    def finish(self) -> dict:
        """Runs to the end; `outcome`."""
        assert self.start() == 0, self.log.read_text()
        return outcome(self.run_dir)


@functools.cache
def undisturbed(precision: str) -> tuple[dict, dict[str, int]]:
    """(outcome, kill point -> how often it is reached) of a run that nobody kills."""

    def make(folder: Path) -> None:
        run = KilledRun(folder, precision)
        assert run.start(visits=str(folder / "visits.json")) == 0, run.log.read_text()

    folder = made_once(f"undisturbed-{precision}", make)
    return outcome(folder / "run"), json.loads((folder / "visits.json").read_text())
