"""Batches on a data set that is smaller than the batch that is asked for."""

import json

import pytest

from tests.helpers.run_fixtures import read_rows, run_script, write_shapes


@pytest.mark.parametrize("asked", [[], ["--global_batch_size=5000"]])
def test_a_batch_is_no_larger_than_the_training_split_whatever_is_asked_for(asked, tmp_path):
    folder = write_shapes(tmp_path / "data", {"disk": 16, "square": 14})
    flags = [f"--dataset=folder:{folder}", f"--cache_dir={tmp_path / 'cache'}", f"--run_dir={tmp_path / 'run'}",
             "--model=realsense_cnn", "--image_size=32", "--precision=float32", "--threads=2", *asked]  # fmt: skip
    done = run_script("train.py", *flags, "--epochs=2")
    assert done.code == 0, done.stderr
    examples = sum(row["split"] == "train" for row in read_rows(tmp_path / "run" / "split.csv"))
    named = asked[0].partition("=")[2] if asked else "64"
    assert f"batch       {examples} and not {named}: there are {examples} examples to train on\n" in done.stdout
    results = json.loads((tmp_path / "run" / "results.json").read_text())
    assert (results["global_batch_size"], results["steps"]) == (examples, 2)
    newest = max((tmp_path / "run" / "checkpoints").iterdir())
    state = json.loads((newest / "state.json").read_text())
    assert state["identity"]["global_batch_size"] == examples
    assert next(shape for path, shape, _ in state["variables"]["health"]) == [7 + examples]
    if asked:
        return
    # Four replicas would choose fewer rows for themselves: a run keeps those that it began with, or says why not.
    more = run_script("train.py", *flags, "--epochs=3", "--replicas=2")
    assert more.code == 0, more.stderr
    assert f"batch       {examples} and not 64: " in more.stdout
    refused = run_script("train.py", *flags, "--epochs=4", "--replicas=4")
    assert refused.code == 2
    words = (
        f"error: --replicas=4: the run that goes on has batches of {examples} examples, which so many cannot share: "
    )
    assert refused.stderr.startswith(words)
