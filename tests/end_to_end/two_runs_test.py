"""Two runs at a time: one run folder takes one, one cache serves both, and a dead one blocks nobody."""

import os
import shutil
import subprocess
import sys
import time

import pytest

import evaluate
import predict
import train
from base import locks
from tests.cli.start_test import check
from tests.end_to_end.resume_test import newest_step
from tests.helpers.outcomes import outcome
from tests.helpers.run_fixtures import (
    ROOT,
    call_script,
    finished_run,
    lively_flags,
    run_script,
    session_dir,
    shapes_dir,
    start_script,
)
from tests.helpers.storage import temporaries

FLAGS = lively_flags("mixed_bfloat16")


def test_a_second_run_is_refused_before_tensorflow_is_imported(tmp_path):
    code = (
        "import sys, train; from cli import start; from absl import flags\n"
        "train.define_flags(flags.FLAGS); flags.FLAGS(sys.argv)\n"
        "try:\n"
        "    start._guard(train.main, [])\n"
        "except SystemExit as stop:\n"
        "    print(stop.code, 'tensorflow' in sys.modules)\n"
    )
    (tmp_path / "run").mkdir()
    command = [sys.executable, "-c", code, *FLAGS, f"--run_dir={tmp_path / 'run'}"]
    with locks.acquire(tmp_path / "run" / ".lock"):
        done = subprocess.run(command, check=False, capture_output=True, text=True, cwd=ROOT)
    assert done.stdout == "2 False\n", done.stderr
    assert done.stderr == (
        f"error: --run_dir={tmp_path / 'run'} is in use by another run: wait for it, or give another\n"
    )


def test_a_run_that_goes_on_is_left_alone_and_can_be_asked(monkeypatch, capfd, tmp_path):
    picture = str(next(shapes_dir().glob("disk/*.png")))
    run_dir = shutil.copytree(finished_run(), tmp_path / "run")
    with locks.acquire(run_dir / ".lock"):
        check(call_script(train, [*FLAGS, f"--run_dir={run_dir}"], monkeypatch, capfd), ["is in use by another"])
        done = call_script(predict, [f"--run={run_dir}", picture], monkeypatch, capfd)
    assert (done.code, done.stdout.count("\n")) == (0, 1)


def test_a_run_that_has_exported_nothing_yet_says_so(tmp_path, monkeypatch, capfd):
    (tmp_path / "run" / "checkpoints").mkdir(parents=True)
    for script, more in ((predict, [str(shapes_dir())]), (evaluate, [])):
        done = call_script(script, [f"--run={tmp_path / 'run'}", *more], monkeypatch, capfd)
        check(done, [f"{str(tmp_path / 'run')!r} holds no SavedModel", "has not finished"])


@pytest.mark.slow
def test_of_two_real_runs_in_one_folder_the_first_goes_on(tmp_path):
    first = start_script("train.py", *FLAGS, f"--run_dir={tmp_path / 'run'}")
    while newest_step(tmp_path / "run") < 2 and first.poll() is None:
        time.sleep(0.01)
    check(run_script("train.py", *FLAGS, f"--run_dir={tmp_path / 'run'}"), ["is in use by another run"])
    first.kill()
    first.communicate()
    done = run_script("train.py", *FLAGS, f"--run_dir={tmp_path / 'run'}")
    assert done.code == 0, done.stderr
    assert "resume      from step" in done.stdout
    assert outcome(tmp_path / "run") == outcome(finished_run())


@pytest.mark.slow
def test_two_runs_share_one_new_cache(tmp_path):
    cache = tmp_path / "cache"
    runs = [start_script("train.py", *FLAGS, f"--run_dir={tmp_path / name}", f"--cache_dir={cache}") for name in "ab"]
    for process, name in zip(runs, "ab", strict=True):
        stdout, stderr = process.communicate(timeout=300)
        assert process.returncode == 0, stderr
        assert "cache       pack: " in stdout
        assert outcome(tmp_path / name) == outcome(finished_run())
    assert len(os.listdir(cache / "packs")) == len(os.listdir(cache / "indexes")) == 1


@pytest.mark.slow
def test_a_killed_packer_blocks_nobody_and_leaves_nothing(tmp_path):
    # Pictures enough to be killed among.
    flags = [*FLAGS, "--image_size=512", f"--cache_dir={tmp_path / 'cache'}", "--epochs=1"]
    packs = tmp_path / "cache" / "packs"
    first = start_script("prepare.py", *prepare_flags(flags), f"--out_dir={tmp_path / 'out'}")
    while not (packs.is_dir() and any(name.startswith(".incomplete-") for name in os.listdir(packs))):
        assert first.poll() is None, first.communicate()
        time.sleep(0.001)
    second = start_script("prepare.py", *prepare_flags(flags), f"--out_dir={tmp_path / 'out2'}")
    time.sleep(2)
    first.kill()
    first.communicate()
    _, stderr = second.communicate(timeout=120)
    assert second.returncode == 0, stderr
    assert temporaries(tmp_path, session_dir() / "cache") == []
    assert len(os.listdir(packs)) == 1


def prepare_flags(flags) -> list[str]:
    """Those that prepare.py knows."""
    return [flag for flag in flags if flag.startswith(("--dataset", "--image_size", "--cache_dir", "--threads"))]
