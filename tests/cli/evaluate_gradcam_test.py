"""evaluate.py --gradcam: the run's model, built again, says what the exported one says, and is looked into."""

import os

import numpy as np
import pytest

from cli import evaluate
from evaluation.probabilities import make_predictor
from jobs.rebuilt import rebuilt_model
from pipeline.augment.scale import to_float
from reports.plots import png_pixels
from serving.pixel_predictor import PixelPredictor
from tests.helpers.report_fixtures import Parsed
from tests.helpers.run_fixtures import call_script, finished_run, read_rows, shapes_dir, write_shapes


@pytest.fixture
def call(monkeypatch, capfd):
    return lambda *arguments: call_script(evaluate, list(arguments), monkeypatch, capfd)


def test_the_model_that_is_built_again_is_the_exported_one():
    predictor = PixelPredictor(finished_run() / "saved_model")
    assert predictor.pixel_shape == (16, 16, 3)
    paths = [os.fsencode(shapes_dir() / row["path"]) for row in read_rows(finished_run() / "predictions_test.csv")]
    stored = np.stack([predictor.decode(path)[0] for path in paths])
    model = rebuilt_model(finished_run(), len(predictor.class_names), predictor.pixel_shape)
    found = make_predictor(model)(to_float(stored, predictor.full_scale)).numpy()
    np.testing.assert_allclose(found, predictor.classify(stored)[1], atol=1e-5)


def test_a_sheet_of_mistakes_and_right_answers_stands_beside_the_scores(call, tmp_path):
    done = call(f"--run={finished_run()}", "--gradcam", f"--out_dir={tmp_path / 'out'}")
    assert done.code == 0, done.stderr
    assert {"gradcam.png", "predictions.csv", "report.html"} <= set(os.listdir(tmp_path / "out"))
    assert "report.html, slices.csv" in done.stdout.splitlines()[-1]
    assert done.stdout.rstrip().endswith("gradcam.png")
    rows = read_rows(tmp_path / "out" / "predictions.csv")
    wrong = min(24, sum(row["label"] != row["prediction"] for row in rows))
    right = min(12, sum(row["label"] == row["prediction"] for row in rows))
    assert f"gradcam.png shows {wrong} mistakes and {right} right answers, by the 2 x 2 places" in done.stdout
    page = Parsed((tmp_path / "out" / "report.html").read_text("utf-8"))
    assert page.sections["attention"].count(f"{shapes_dir().name}/") == wrong + right
    pixels = png_pixels((tmp_path / "out" / "gradcam.png").read_bytes())
    assert np.ptp(pixels.astype(int), axis=2).max() > 100  # in color
    assert call(f"--run={finished_run()}", "--gradcam", f"--out_dir={tmp_path / 'out'}").code == 0  # over its own
    assert call(f"--run={finished_run()}", f"--out_dir={tmp_path / 'out'}").code == 0
    assert not (tmp_path / "out" / "gradcam.png").exists()  # which may be of another model than the new scores


def test_other_pictures_with_a_broken_one_among_them(call, tmp_path):
    root = write_shapes(tmp_path / "new", {"stripes": 3, "disk": 2}, seed=555)
    (root / "disk" / "bad.png").write_bytes(b"\x89PNG\r\n\x1a\n and no more")
    done = call(f"--run={finished_run()}", f"--dataset=folder:{root}", "--gradcam", f"--out_dir={tmp_path / 'out'}")
    assert done.code == 0, done.stderr
    assert (tmp_path / "out" / "gradcam.png").exists()


@pytest.mark.parametrize(("arguments", "words"), [
    (["--run={run}", "--gradcam", "--robustness"], ["--gradcam draws the mistakes", "give one of them"]),
    (["--run={run}/saved_model", "--dataset=folder:{shapes}", "--gradcam"], ["is a SavedModel", "give the folder"]),
])  # fmt: skip
def test_mistakes_are_one_line(arguments, words, call):
    done = call(*(argument.format(run=finished_run(), shapes=shapes_dir()) for argument in arguments))
    assert done.code == 2
    assert done.stderr.count("\n") == 1
    for word in words:
        assert word in done.stderr
