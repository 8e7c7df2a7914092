"""Runs that are killed at named points and started again, and what must be the same when they have ended."""

import atexit
import functools
import json
import signal
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from base import kill_points
from tests.helpers.outcomes import outcome
from tests.helpers.run_fixtures import LIVELY, ROOT, SMALL_MODEL, session_dir, write_shapes

# What may be another after a restart, and changes no bit: threads of the maps, batches held ready.
PIPELINES = ((2, 2, 4), (1, 3, 1), (3, 1, 2))


class RunServer:
    """A `tests.helpers.run_server` of this session."""

    def __init__(self):
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.helpers.run_server"], cwd=ROOT, text=True, stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )  # fmt: skip
        atexit.register(self._process.kill)

    def run(
        self,
        arguments: Sequence[str],
        cache_dir: Path,
        log: Path,
        fault: str = "",
        replaced: Sequence[tuple] = (),
        visits: str = "",
    ) -> int:
        """The exit code of train.py with these arguments, negative for a signal."""
        environment = {kill_points.VARIABLE: fault, "XDG_CACHE_HOME": str(cache_dir)}
        order = {"arguments": [*arguments], "environment": environment, "replaced": [*replaced], "log": str(log),
                 "visits": visits}  # fmt: skip
        self._process.stdin.write(json.dumps(order) + "\n")
        self._process.stdin.flush()
        return int(self._process.stdout.readline())


@functools.cache
def server(precision: str) -> RunServer:
    """The one of this session for runs of one precision, so that those of two may go on side by side."""
    return RunServer()


@functools.cache
def few_shapes_dir() -> Path:
    """100 pictures of three classes and a broken one: 60 to train on."""
    root = write_shapes(session_dir() / "few", {"disk": 33, "square": 34, "stripes": 33}, seed=7)
    (root / "disk" / "broken.png").write_bytes(b"\x89PNG\r\n\x1a\n and no more")
    return root


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
        self._server = server(precision)
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
        return self._server.run(arguments, self._cache_dir, self.log, fault, (*replaced, *more_replaced), visits)

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
    folder = session_dir() / f"undisturbed-{precision}"
    run = KilledRun(folder, precision)
    assert run.start(visits=str(folder / "visits.json")) == 0, run.log.read_text()
    return outcome(run.run_dir), json.loads((folder / "visits.json").read_text())
