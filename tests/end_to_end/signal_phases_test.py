"""SIGTERM and SIGINT in every phase of a run: exit code 75, nothing half-written, and the same bits in the end."""

import os
import pty
import select
import shutil
import signal
import subprocess
import sys
import time

import pytest

import base.signals
import jobs.epochs
import jobs.finish
import jobs.judge
import pipeline.sources.index
import training.loop
from cli import train
from pipeline.decoding import pack
from tests.end_to_end.resume_test import newest_step
from tests.helpers.outcomes import outcome
from tests.helpers.run_fixtures import (
    ROOT,
    call_script,
    finished_run,
    lively_flags,
    read_rows,
    run_script,
    session_dir,
    start_process,
    start_script,
)
from tests.helpers.storage import temporaries

FLAGS = lively_flags("mixed_bfloat16")
AT_ONCE = "stopped at once; nothing half-written is left"  # where this start has taken no step that could be lost
# Phase -> (module, function, call in which the signal comes, what the last line says).
PHASES = {
    "reading": (pipeline.sources.index, "_inspect_chunk", 1, AT_ONCE),
    "decoding": (pack, "check_pictures", 1, AT_ONCE),
    "building": (jobs.epochs, "make_train_step", 1, AT_ONCE),
    "tracing": (jobs.epochs, "train_step", 1, AT_ONCE),
    "training": (jobs.epochs, "train_step", 9, "saved after step 9"),
    "saving": (training.loop, "save_checkpoint", 3, "saved after step 14"),
    "last step of an epoch": (jobs.epochs, "train_step", 11, "saved after step 25"),
    "validating": (jobs.epochs, "predict_batches", 2, "saved after step 50"),
    "saving an epoch": (training.loop, "save_checkpoint", 1, AT_ONCE),  # of the epoch that was validated before
    "scoring": (jobs.judge, "predict_batches", 1, AT_ONCE),
    "exporting": (jobs.finish, "export_model", 1, AT_ONCE),
}


@pytest.fixture
def start(threads_as_they_are, monkeypatch, capfd):
    """start(run_dir, phase, number, *flags): train.py in this process, with the signal `number` in `phase`."""
    # A signal that nobody listens to must fail the test and not end all of them.
    before = {number: signal.signal(number, signal.SIG_IGN) for number in (signal.SIGTERM, signal.SIGINT)}
    monkeypatch.setattr(base.signals, "GRACE_SECONDS", 60.0)  # ending this process would end the tests
    monkeypatch.setattr(base.signals, "TIDY_SECONDS", 60.0)

    def run(run_dir, phase, number, *more):
        with monkeypatch.context() as patch:
            if phase:
                arm(patch, *PHASES[phase][:3], number)
            done = call_script(train, [*FLAGS, f"--run_dir={run_dir}", *more], monkeypatch, capfd)
        assert "Traceback" not in done.stderr
        assert temporaries(run_dir, session_dir() / "cache") == []
        return done

    yield run
    for number, handler in before.items():
        signal.signal(number, handler)


def arm(patch, module, name, call, number) -> None:
    """Sends the signal at the beginning of call number `call` of module.name, counted from 1."""
    calls = []

    def armed(function):
        def sends(*arguments, **named):
            calls.append(name)
            if len(calls) == call:
                os.kill(os.getpid(), number)
            return function(*arguments, **named)

        return sends

    if name == "train_step":
        make = module.make_train_step
        patch.setattr(module, "make_train_step", lambda *arguments: armed(make(*arguments)))
    else:
        patch.setattr(module, name, armed(getattr(module, name)))


def stop_and_check(start, run_dir, phase, number, *more) -> None:
    done = start(run_dir, phase, number, *more)
    last = done.stderr.strip().splitlines()[-1]
    assert (done.code, last) == (75, f"{number.name}: {PHASES[phase][3]}; the same command goes on from there"), phase
    assert not (run_dir / "results.json").exists()


def finish(start, run_dir) -> None:
    done = start(run_dir, None, None)
    assert done.code == 0, done.stderr
    assert outcome(run_dir) == outcome(finished_run())


def test_stopped_before_the_first_step_while_validating_and_while_exporting(start, tmp_path):
    run_dir = tmp_path / "run"
    stop_and_check(start, run_dir, "reading", signal.SIGINT, f"--cache_dir={tmp_path / 'cache'}")
    stop_and_check(start, run_dir, "decoding", signal.SIGTERM, f"--cache_dir={tmp_path / 'cache'}")
    assert sorted(os.listdir(tmp_path)) == ["cache"]
    stop_and_check(start, run_dir, "validating", signal.SIGTERM)
    # Not at its end: the second epoch has no row yet.
    assert len(read_rows(run_dir / "history.csv")) == 1
    stop_and_check(start, run_dir, "scoring", signal.SIGINT)
    stop_and_check(start, run_dir, "exporting", signal.SIGTERM)
    finish(start, run_dir)


@pytest.mark.slow
def test_stopped_in_every_phase_one_after_the_other(start, tmp_path):
    run_dir = tmp_path / "run"
    for place, phase in enumerate(PHASES):
        more = [f"--cache_dir={tmp_path / 'cache'}"] if phase in ("reading", "decoding") else []
        stop_and_check(start, run_dir, phase, (signal.SIGTERM, signal.SIGINT)[place % 2], *more)
    finish(start, run_dir)


@pytest.mark.slow
def test_a_signal_while_the_report_is_written_lets_it_be_written(start, tmp_path, monkeypatch):
    shutil.copytree(finished_run(), tmp_path / "run")
    (tmp_path / "run" / "results.json").unlink()
    monkeypatch.setitem(PHASES, "report", (jobs.finish, "draw_report", 1, ""))
    assert start(tmp_path / "run", "report", signal.SIGTERM).code == 0
    assert outcome(tmp_path / "run") == outcome(finished_run())


@pytest.mark.slow
def test_a_terminal_that_is_closed_saves_the_run(tmp_path):
    run_dir = tmp_path / "run"
    command = [sys.executable, str(ROOT / "train.py"), *FLAGS, f"--run_dir={run_dir}", f"--cache_dir={tmp_path / 'c'}"]
    ours, theirs = pty.openpty()
    with subprocess.Popen(
        ["setsid", "--ctty", "env", "--default-signal=HUP", *command], stdin=theirs, stdout=theirs, stderr=theirs
    ) as process:
        os.close(theirs)
        while process.poll() is None and newest_step(run_dir) < 3:
            select.select([ours], [], [], 0.01)[0] and os.read(ours, 10_000)
        os.close(ours)  # the kernel sends SIGHUP to whom the terminal belonged
        assert process.wait(timeout=60) == 75
    assert run_script("train.py", *FLAGS, f"--run_dir={run_dir}").code == 0
    assert outcome(run_dir) == outcome(finished_run())


@pytest.mark.slow
@pytest.mark.parametrize("second", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_that_comes_twice_at_once_costs_no_bit(second, tmp_path):
    run_dir = tmp_path / "run"
    for step in (3, 30, 60):
        process = start_script("train.py", *FLAGS, f"--run_dir={run_dir}")
        while process.poll() is None and newest_step(run_dir) < step:
            time.sleep(0.001)
        process.send_signal(signal.SIGTERM)
        process.send_signal(second)
        _, stderr = process.communicate(timeout=60)
        assert (process.returncode, "Traceback" in stderr) == (75, False)
    assert run_script("train.py", *FLAGS, f"--run_dir={run_dir}").code == 0
    assert outcome(run_dir) == outcome(finished_run())


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_at_any_moment_of_the_start_is_one_line(number, tmp_path):
    for place, seconds in enumerate((1.0, 1.5, 2.0, 3.0, 4.0)):
        flags = (*FLAGS, f"--run_dir={tmp_path / 'run'}", f"--cache_dir={tmp_path / 'cache'}")
        process = start_process("train.py", *flags)
        time.sleep(seconds)
        process.send_signal(number)
        _, stderr = process.communicate(timeout=60)
        assert process.returncode == 75, (place, stderr)
        (line,) = stderr.splitlines()
        assert line.endswith("; the same command goes on from there")
        assert temporaries(tmp_path) == []
    assert run_script("train.py", *FLAGS, f"--run_dir={tmp_path / 'run'}").code == 0
    assert outcome(tmp_path / "run") == outcome(finished_run())
