"""1, 2, 4 and again 1 replicas in one run: the same examples, augmentation and dropout; sums differ by rounding."""

import signal

import numpy as np
import pytest

from tests.end_to_end.resume_test import STEPS, finish, newest_step, stop_at
from tests.helpers.outcomes import outcome
from tests.helpers.run_fixtures import lively_flags, read_rows, run_script
from tests.helpers.watches import Silence
from training.checkpoint import load_newest

pytestmark = pytest.mark.slow

# Without loss scaling and bfloat16, whose rounding would hide a wrong example.
FLAGS = lively_flags("float32")


def test_replicas_come_and_go_in_one_run(tmp_path):
    whole, run_dir = tmp_path / "whole", tmp_path / "run"
    finish(whole, FLAGS)
    stop_at(6, run_dir, FLAGS)
    refused = run_script("train.py", *FLAGS, "--replicas=3", f"--run_dir={run_dir}")
    assert refused.code == 2
    assert refused.stderr == (
        "error: --global_batch_size=8 cannot be shared by 3 replicas: it must be a multiple of 3; the nearest are 6 or "
        "9\n"
    )
    code, _ = stop_at(STEPS + 6, run_dir, (*FLAGS, "--replicas=2"), signal.SIGTERM)
    assert code == 75
    stop_at(2 * STEPS + 6, run_dir, (*FLAGS, "--replicas=4"))
    assert 2 * STEPS < newest_step(run_dir) < 3 * STEPS
    said = finish(run_dir, (*FLAGS, "--strategy=none"))
    assert "replicas    4 -> 1: same examples, augmentation and dropout; sums over replicas differ in their" in said
    one, moved = (load_newest(path / "checkpoints", Silence()).arrays for path in (whole, run_dir))
    pairs = [pair for part in one for pair in zip(one[part], moved[part], strict=True)]
    for left, right in pairs:
        if left.dtype.kind == "f":
            np.testing.assert_allclose(right, left, rtol=0, atol=1e-3)
        else:
            np.testing.assert_array_equal(right, left)
    assert outcome(run_dir)["tables"]["split.csv"] == outcome(whole)["tables"]["split.csv"]
    for left, right in zip(read_rows(whole / "history.csv"), read_rows(run_dir / "history.csv"), strict=True):
        assert float(right["loss"]) == pytest.approx(float(left["loss"]), rel=1e-3)
