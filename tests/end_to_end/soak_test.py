"""An hour of training with a kill every 20 to 90 seconds: the same bits, and nothing grows.

    PENSTOCK_SOAK_SECONDS=3600 python -m pytest -m slow -s tests/end_to_end/soak_test.py

Whole runs follow one another until the time is up (300 seconds by default), each killed and started again with the
same command until it is done, and each must end as the uninterrupted one did. A line a life says what it held.
"""

import dataclasses
import os
import shutil
import signal
import time
from pathlib import Path

import numpy as np
import pytest

from tests.conftest import shared_data_dir
from tests.end_to_end.resume_test import newest_step
from tests.helpers.outcomes import outcome
from tests.helpers.process_watch import Held, files_under, peak, watch
from tests.helpers.run_fixtures import Done, session_dir, start_process

# A life that is killed holds no more than the uninterrupted run did, and these margins for the scheduler's whims.
MEMORY_MARGIN, HANDLES_MARGIN, THREADS_MARGIN = 1.15, 4, 8
MOST_TEMPORARIES = 3  # of the one write that a kill can meet: a folder, the old one moved aside, a place for scraps
EVENTS_A_LIFE = 3  # train, validation, test
# Five checkpoints for a moment where the uninterrupted run ends with three, of two files each.
CHECKPOINT_FILES = 4


def soak_flags() -> tuple[str, ...]:
    """About a hundred seconds with dropout, augmentation, a schedule, patience and frequent checkpoints in play."""
    data = shared_data_dir()
    pictures = (
        ("--dataset=catdog", f"--data_dir={data / 'catdog_data'}")
        if data
        else ("--dataset=realsense", "--model=catdog_2", "--color_mode=rgb")
    )
    return (*pictures, "--image_size=64", "--epochs=40", "--augment=strong", "--schedule=cosine",
            "--warmup_epochs=1.5", "--learning_rate=0.0007", "--l2=0.0001", "--early_stop_patience=3",
            "--checkpoint_every_steps=5", "--seed=11", "--threads=2")  # fmt: skip


@dataclasses.dataclass
class Soak:
    """The uninterrupted run, what it held, and what the soak has done so far."""

    whole: Path
    most: Held
    until: float
    runs: int = 0
    kills: int = 0
    terms: int = 0

    @property
    def over(self) -> bool:
        return time.monotonic() >= self.until


def cache_files() -> dict:
    return dict(files_under(session_dir() / "cache"))


def kept_files(run_dir: Path) -> set[str]:
    """What a finished run leaves besides event files and checkpoints, whose names tell when it was stopped."""
    paths = {path.relative_to(run_dir) for path in run_dir.rglob("*") if path.is_file()}
    return {str(path) for path in paths if path.parts[0] != "checkpoints" and "tfevents" not in path.name}


def live(run_dir: Path, soak: Soak, seconds: float, number: signal.Signals) -> Done:
    """One life of a run: started, watched, signalled after `seconds` unless it has ended."""
    process = start_process("train.py", *soak_flags(), f"--run_dir={run_dir}")
    looks, done = watch(process, seconds)
    if done is None:
        process.send_signal(number)
        more, done = watch(process, 120)
        looks += more
        assert done, f"alive 120 seconds after {number.name}"
    held = peak(looks)
    assert "Traceback" not in done.stderr, done.stderr
    assert held.memory <= MEMORY_MARGIN * soak.most.memory
    assert held.handles <= soak.most.handles + HANDLES_MARGIN
    assert held.threads <= soak.most.threads + THREADS_MARGIN
    say(f"run {soak.runs + 1}: exit {done.code} at step {newest_step(run_dir)}", held, run_dir)
    return done


def say(words: str, held: Held, run_dir: Path) -> None:
    print(f"[{time.strftime('%H:%M:%S')}] {words}; {held.memory >> 20} MiB, {held.handles} handles, "
          f"{held.threads} threads at most; run folder {dict(files_under(run_dir))}, cache {cache_files()}",
          flush=True)  # fmt: skip


def check_folders(run_dir: Path, soak: Soak, lives: int, cache: dict) -> None:
    files, whole = files_under(run_dir), files_under(soak.whole)
    assert files["temporaries"] <= MOST_TEMPORARIES
    assert files["events"] <= EVENTS_A_LIFE * lives
    assert files["others"] <= whole["others"] + CHECKPOINT_FILES
    assert cache_files() == cache
    assert os.listdir(os.environ["TMPDIR"]) == []
    assert os.listdir(os.environ["TMPDIR"]) == []


def run_to_its_end(run_dir: Path, soak: Soak, generator: np.random.Generator, cache: dict) -> None:
    """Lives until the run is done; the last one is left in peace when the soak's time is up."""
    lives, code = 0, None
    while code != 0:
        seconds = float("inf") if soak.over else float(generator.uniform(20, 90))
        number = signal.SIGTERM if generator.uniform() < 0.25 else signal.SIGKILL
        code = live(run_dir, soak, seconds, number).code
        lives += 1
        soak.kills += code == -signal.SIGKILL
        soak.terms += code == 75
        # 0: it was done, or too near to it for SIGTERM; -SIGTERM: a slow start, in which nobody listens yet.
        assert code in (0, -signal.SIGKILL, 75, -signal.SIGTERM), f"exit code {code}"
        check_folders(run_dir, soak, lives, cache)
    soak.runs += 1


@pytest.mark.slow
def test_killed_again_and_again_it_ends_in_the_same_bits_and_nothing_grows(tmp_path, monkeypatch):
    seconds = float(os.environ.get("PENSTOCK_SOAK_SECONDS", "300"))
    (tmp_path / "tmp").mkdir()
    monkeypatch.setenv("TMPDIR", str(tmp_path / "tmp"))
    whole, generator = tmp_path / "whole", np.random.default_rng(4)
    looks, done = watch(start_process("train.py", *soak_flags(), f"--run_dir={whole}"))
    assert done.code == 0, done.stderr
    say("uninterrupted", peak(looks), whole)
    cache = cache_files()
    soak = Soak(whole, peak(looks), time.monotonic() + seconds)
    while not soak.over:
        run_dir = tmp_path / f"run{soak.runs}"
        run_to_its_end(run_dir, soak, generator, cache)
        assert outcome(run_dir) == outcome(whole)
        assert kept_files(run_dir) == kept_files(whole)
        assert files_under(run_dir)["temporaries"] == 0
        shutil.rmtree(run_dir)
        print(f"run {soak.runs} has the uninterrupted run's bits; {soak.kills} SIGKILL and {soak.terms} SIGTERM so far",
              flush=True)  # fmt: skip
    assert soak.kills >= 2, "no run was killed: it is too short for this machine"
