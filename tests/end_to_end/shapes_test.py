"""Pictures that are no squares, trained on crops of larger ones: killed and resumed to the same bits, and served as
they were evaluated."""

import json

import numpy as np
import pytest

from tests.end_to_end.resume_test import finish, stop_at
from tests.helpers.outcomes import outcome
from tests.helpers.run_fixtures import read_rows, run_script, shapes_dir

FLAGS = (
    f"--dataset=folder:{shapes_dir()}", "--model=catdog_1", "--filters=4,8", "--units=8", "--threads=2",
    "--precision=float32", "--epochs=2", "--global_batch_size=16", "--checkpoint_every_steps=2", "--augment=strong",
    "--learning_rate=0.01", "--image_size=24,16", "--pack_size=36,20", "--crop_scale=0.3,1", "--crop_ratio=0.8,1.25",
)  # fmt: skip


@pytest.mark.parametrize(("resize", "cache"), [pytest.param("pad", "pack", marks=pytest.mark.slow), ("auto", "none")])
def test_a_run_on_crops_goes_on_to_the_same_bits_and_serves_what_it_scored(resize, cache, tmp_path):
    flags = (*FLAGS, f"--resize={resize}", "--background=#ff8000", f"--cache={cache}")
    stop_at(6, tmp_path / "run", flags)
    log = finish(tmp_path / "run", flags)
    assert "crops       of training come from 36x20x3; " in log
    assert "crop_scale 0.3,1" in log
    whole = tmp_path / "whole"
    finish(whole, (*FLAGS, f"--resize={resize}", "--background=#ff8000"))
    assert outcome(tmp_path / "run") == outcome(whole)
    results = json.loads((whole / "results.json").read_text())
    chosen = results["chosen"]["resize"]
    assert chosen == resize if resize == "pad" else chosen in ("squash", "crop", "pad")
    assert f"resize      {chosen} (" in log
    assert results["export_largest_difference"] < 1e-5
    scored = {row["path"]: row for row in read_rows(whole / "predictions_test.csv")}
    assert len(scored) > 50
    answers = tmp_path / "answers.csv"
    done = run_script("predict.py", f"--run={whole}", f"--csv={answers}", *(str(shapes_dir() / one) for one in scored))
    assert done.code == 0, done.stderr
    names = [name for name in next(iter(scored.values())) if name.startswith("p(")]
    for row, path in zip(read_rows(answers), scored, strict=True):
        served, evaluated = ([float(one[name]) for name in names] for one in (row, scored[path]))
        np.testing.assert_allclose(served, evaluated, atol=1e-5)
