"""What must fail does: a resume without the dropout's state is seen, and shuffled labels teach nothing."""

import json
import os
import subprocess
import sys

import numpy as np
import pytest
from PIL import Image

from tests.end_to_end.resume_test import finish, stop_at
from tests.helpers.outcomes import outcome
from tests.helpers.run_fixtures import ROOT, SHAPES, finished_run, lively_flags, session_dir, shape_picture

pytestmark = pytest.mark.slow

# train.py, but a resumed run gets back every variable except the dropout's seed state.
FORGETFUL = """
import runpy, sys
root, forgets = sys.argv.pop(1), sys.argv.pop(1) == "True"
sys.path.insert(0, root)
from cli import quiet_import
quiet_import.import_tensorflow()
from training import loop

def forget(parts, arrays):
    pairs = zip(parts["model"], arrays["model"])
    kept = [(v, a) for v, a in pairs if "seed_generator_state" not in v.path]
    assert len(kept) == len(arrays["model"]) - 1
    variables, values = zip(*kept)
    whole(parts | {"model": variables}, arrays | {"model": values})

whole = loop.restore
if forgets:
    loop.restore = forget
runpy.run_path(f"{root}/train.py", run_name="__main__")
"""


@pytest.mark.parametrize("forgets", [True, False])
def test_a_resume_without_the_dropouts_state_ends_in_other_bits(forgets, tmp_path):
    arguments = lively_flags("mixed_bfloat16")
    stop_at(6, tmp_path / "run", arguments)
    command = [sys.executable, "-c", FORGETFUL, str(ROOT), str(forgets), *arguments, f"--run_dir={tmp_path / 'run'}"]
    environment = os.environ | {"XDG_CACHE_HOME": str(session_dir() / "cache")}
    done = subprocess.run(command, check=False, capture_output=True, text=True, timeout=200, env=environment)
    assert done.returncode == 0, done.stderr
    assert "resume      from step" in done.stdout
    one, other = outcome(finished_run()), outcome(tmp_path / "run")
    assert (one == other) == (not forgets)
    assert (one["results"]["weights_sha256"] == other["results"]["weights_sha256"]) == (not forgets)
    assert one["results"]["steps"] == other["results"]["steps"]


def test_shuffled_labels_are_learned_by_heart_and_validate_at_chance(tmp_path):
    # A picture that stood in two splits, or a label that reached the model by another way, would lift the unseen splits
    # above chance here: there is nothing else to learn.
    root, generator = tmp_path / "pictures", np.random.default_rng(7)
    for number, folder in enumerate(generator.permutation(np.repeat(["a", "b", "c"], 120))):
        (root / folder).mkdir(parents=True, exist_ok=True)
        picture = shape_picture(SHAPES[number % 3], number)
        Image.fromarray(picture).save(root / folder / f"{number:04d}.png")
    arguments = (f"--dataset=folder:{root}", "--model=catdog_1", "--filters=16,32", "--units=128", "--dropout=0",
                 "--image_size=16", "--augment=none", "--learning_rate=0.003", "--epochs=40", "--threads=2",
                 "--global_batch_size=32", "--seed=3")  # fmt: skip
    finish(tmp_path / "run", arguments)
    results = json.loads((tmp_path / "run" / "results.json").read_text())
    history = outcome(tmp_path / "run")["history"]
    assert float(history[-1]["accuracy"]) > 0.7
    # 72 pictures each; chance is a third, and three standard deviations of it are 0.17.
    assert results["test"]["examples"] == 72
    assert abs(results["test"]["accuracy"] - 1 / 3) < 0.17
    assert abs(float(history[-1]["validation_accuracy"]) - 1 / 3) < 0.17
