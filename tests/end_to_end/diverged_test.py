"""Numbers gone bad, from the command line: one line, exit 2, the batch in a file, the last good checkpoint kept."""

import json
import re

import numpy as np
import pytest

from tests.helpers.run_fixtures import read_rows, run_script, session_dir, shapes_dir
from tests.helpers.watches import Silence
from training.checkpoint import load_newest

# The penalty's gradient alone takes every weight to -37 times itself in a step.
FLAGS = ("--model=catdog_1", "--filters=4,8", "--units=8", "--image_size=16", "--threads=2", "--augment=light",
         "--optimizer=sgd", "--learning_rate=10", "--l2=1", "--epochs=3", "--global_batch_size=8", "--seed=3",
         "--checkpoint_every_steps=1")  # fmt: skip


@pytest.mark.parametrize(
    ("precision", "replicas"),
    [("float32", ()), pytest.param("mixed_float16", ("--replicas=2",), marks=pytest.mark.slow)],
)
def test_a_run_that_diverges_says_where_and_keeps_the_last_good_checkpoint(precision, replicas):
    run_dir = session_dir() / f"diverged-{precision}"
    command = (
        f"--dataset=folder:{shapes_dir()}",
        *FLAGS,
        f"--precision={precision}",
        *replicas,
        f"--run_dir={run_dir}",
    )
    done = run_script("train.py", *command)
    assert done.code == 2, done.stderr
    assert "Traceback" not in done.stderr
    line = done.stderr.strip().splitlines()[-1]
    found = re.match(r"error: (?:the training loss became (?:nan|inf)|the update left a NaN or an Inf in \S+) in step "
                     r"(\d+) \(epoch 1, learning rate 10(, loss scale \d+)?\): ", line)  # fmt: skip
    assert found, line
    step = int(found[1])
    assert bool(found[2]) == (precision == "mixed_float16")
    rows = read_rows(run_dir / "bad_batch.csv")
    assert {int(row["step"]) for row in rows} == {step}
    assert len(rows) == len({row["path"] for row in rows}) == 8
    assert all((shapes_dir() / row["path"]).is_file() for row in rows)
    assert any(f"{row['example_id']} {row['path']!r}" in line for row in rows)
    good = load_newest(run_dir / "checkpoints", Silence())
    assert good.step == step - 1
    assert all(np.isfinite(array).all() for part in good.arrays.values() for array in part if array.dtype.kind == "f")
    assert not (run_dir / "results.json").exists()
    assert json.loads((run_dir / "options.json").read_text())["training"]["learning_rate"] == 10
