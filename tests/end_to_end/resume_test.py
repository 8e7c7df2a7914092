"""Killed anywhere and started again, a run ends in the same bits: weights, history and predictions."""

import functools
import os
import signal
import time
from pathlib import Path

import keras
import numpy as np
import pytest
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from tests.helpers.outcomes import outcome
from tests.helpers.run_fixtures import (
    finished_run,
    lively_flags,
    run_script,
    session_dir,
    shapes_dir,
    start_process,
    start_script,
)

STEPS = 25  # an epoch


def newest_step(run_dir: Path) -> int:
    folder = run_dir / "checkpoints"
    names = os.listdir(folder) if folder.is_dir() else []
    return max((int(name[5:]) for name in names if name.startswith("step-")), default=0)


def stop_at(step: int, run_dir: Path, arguments, number=signal.SIGKILL) -> tuple[int, str]:
    """Starts a run and signals it once the checkpoint of `step` is there; (exit code, standard error)."""
    process = start_script("train.py", *arguments, f"--run_dir={run_dir}")
    while process.poll() is None and newest_step(run_dir) < step:
        time.sleep(0.001)
    process.send_signal(number)
    _, stderr = process.communicate(timeout=120)
    assert newest_step(run_dir) >= step, stderr
    assert not (run_dir / "results.json").exists(), "the run ended before it was stopped"
    return process.returncode, stderr


def finish(run_dir: Path, arguments) -> str:
    done = run_script("train.py", *arguments, f"--run_dir={run_dir}")
    assert done.code == 0, done.stderr
    return done.stdout


@functools.cache
def uninterrupted_float16() -> Path:
    run_dir = session_dir() / "float16"
    finish(run_dir, lively_flags("mixed_float16"))
    return run_dir


def damage(run_dir: Path) -> int:
    """Flips a bit of the newest checkpoint; returns its step."""
    step = newest_step(run_dir)
    path = run_dir / "checkpoints" / f"step-{step:08d}" / "variables.npz"
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)
    return step


@pytest.mark.slow
def test_killed_in_the_first_epoch_damaged_and_killed_in_a_later_one(tmp_path, monkeypatch):
    run_dir, arguments = tmp_path / "run", lively_flags("mixed_bfloat16")
    (tmp_path / "tmp").mkdir()
    monkeypatch.setenv("TMPDIR", str(tmp_path / "tmp"))
    code, _ = stop_at(6, run_dir, arguments)
    assert code == -signal.SIGKILL
    assert os.listdir(tmp_path / "tmp") == []
    assert 0 < newest_step(run_dir) < STEPS
    damage(run_dir)
    stop_at(2 * STEPS + 6, run_dir, arguments)
    assert 2 * STEPS < newest_step(run_dir) < 3 * STEPS
    killed_at = damage(run_dir)
    # As if the kill had come before the points of the second epoch were written.
    for path in run_dir.glob("train/events*"):
        path.unlink()
    log = finish(run_dir, arguments)
    assert f"checkpoint step-{killed_at:08d} is damaged (variables.npz does not have its checksum)" in log
    assert f"resume      from step {killed_at - 2}, after 2 whole epochs" in log
    assert outcome(run_dir) == outcome(finished_run())
    events = EventAccumulator(str(run_dir / "train"), size_guidance={"tensors": 0})
    events.Reload()
    assert [event.step for event in events.Tensors("loss")] == [2, 3]


@pytest.mark.slow
def test_killed_and_asked_to_stop_under_loss_scaling(tmp_path):
    run_dir, arguments = tmp_path / "run", lively_flags("mixed_float16")
    stop_at(6, run_dir, arguments)
    code, stderr = stop_at(STEPS + 6, run_dir, arguments, signal.SIGTERM)
    assert code == 75
    last = stderr.strip().splitlines()[-1]
    assert last == f"SIGTERM: saved after step {newest_step(run_dir)}; the same command goes on from there"
    assert "Traceback" not in stderr
    finish(run_dir, arguments)
    assert outcome(run_dir) == outcome(uninterrupted_float16())


def test_pack_and_stream_give_the_same_weights(tmp_path):
    log = finish(tmp_path / "run", (*lively_flags("mixed_bfloat16"), "--cache=none"))
    assert "cache       none: asked for" in log
    assert outcome(tmp_path / "run") == outcome(finished_run())


@pytest.mark.slow
@pytest.mark.parametrize("precision", ["mixed_bfloat16", "mixed_float16", "float32"])
def test_killed_again_and_again_at_random_moments(precision, tmp_path):
    arguments = lively_flags(precision)
    whole, run_dir = tmp_path / "whole", tmp_path / "run"
    finish(whole, arguments)
    generator = np.random.default_rng(len(precision))
    for _ in range(12):
        process = start_process("train.py", *arguments, f"--run_dir={run_dir}")
        # From the import of TensorFlow to the report: any moment of a run's life.
        time.sleep(float(generator.uniform(1, 25)))
        process.kill()
        process.communicate()
    finish(run_dir, arguments)
    assert outcome(run_dir) == outcome(whole)


@pytest.mark.slow
def test_a_run_goes_on_without_the_file_of_weights_that_it_started_from(tmp_path):
    weights = tmp_path / "start.weights.h5"
    settings = {"input_shape": (32, 32, 3), "alpha": 0.35, "include_top": False, "weights": None}
    keras.applications.MobileNetV2(**settings).save_weights(weights)
    arguments = (f"--dataset=folder:{shapes_dir()}", "--model=mobilenet_v2_035", "--image_size=32", "--epochs=1",
                 f"--weights={weights}", "--checkpoint_every_steps=2", "--global_batch_size=8")  # fmt: skip
    finish(tmp_path / "whole", arguments)
    stop_at(4, tmp_path / "run", arguments)
    weights.unlink()
    finish(tmp_path / "run", arguments)
    assert outcome(tmp_path / "run") == outcome(tmp_path / "whole")


@pytest.mark.slow
def test_two_replicas_are_killed_and_resumed(tmp_path):
    arguments = (*lively_flags("mixed_float16"), "--strategy=mirrored", "--replicas=2")
    finish(tmp_path / "whole", arguments)
    stop_at(STEPS + 6, tmp_path / "run", arguments)
    finish(tmp_path / "run", arguments)
    assert outcome(tmp_path / "run") == outcome(tmp_path / "whole")
