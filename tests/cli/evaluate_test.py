"""evaluate.py: the same scores as the run's own, on its splits and on other folders."""

import json
import os
import shutil

import numpy as np
import pytest
from sklearn import metrics

from cli import evaluate
from evaluation.figures import figures_line
from serving.seal import check_seal
from tests.helpers.report_fixtures import Parsed
from tests.helpers.run_fixtures import BROKEN, SHAPES, call_script, finished_run, read_rows, shapes_dir, write_shapes


@pytest.fixture
def call(monkeypatch, capfd):
    return lambda *arguments: call_script(evaluate, list(arguments), monkeypatch, capfd)


@pytest.mark.parametrize("split", ["test", "validation"])
def test_a_split_scores_as_the_run_said(split, call, tmp_path):
    (tmp_path / ".incomplete-scores.json-abcd1234").write_text("of a killed process")
    done = call(f"--run={finished_run()}", f"--split={split}", f"--out_dir={tmp_path}")
    assert done.code == 0, done.stderr
    expected = json.loads((finished_run() / "results.json").read_text())[split]
    scores = json.loads((tmp_path / "scores.json").read_text())
    assert (scores["accuracy"], scores["examples"]) == (expected["accuracy"], expected["examples"])
    assert scores["loss"] == pytest.approx(expected["loss"], rel=1e-5)
    assert np.trace(scores["confusion"]) == expected["accuracy"] * expected["examples"]
    assert done.stdout.startswith(f"the run's own, split {split}: accuracy {expected['accuracy']:.4f} ")
    assert (scores["dataset"], scores["split"], scores["class_names"]) == ("the run's own", split, sorted(SHAPES))
    assert scores["run"] == str(finished_run())
    assert scores["balanced_accuracy"] == expected["balanced_accuracy"]
    if split == "test":
        for name in ("roc_area", "average_precision", "brier_score", "calibration_error"):
            assert scores[name] == pytest.approx(expected[name], abs=1e-4), name
    assert figures_line(scores) in done.stdout
    written = {path.name for path in tmp_path.iterdir()} - {"suspicious_labels.png"}  # where there are such
    assert written == {
        "confusion.png",
        "predictions.csv",
        "report.html",
        "scores.json",
        "slices.csv",
        "suspicious_labels.csv",
    }


def test_predictions_are_the_runs_own_and_test_is_the_default(call, tmp_path):
    assert call(f"--run={finished_run()}", f"--out_dir={tmp_path}").code == 0
    ours = read_rows(tmp_path / "predictions.csv")
    theirs = read_rows(finished_run() / "predictions_test.csv")
    assert [row["path"] for row in ours] == [str(shapes_dir() / row["path"]) for row in theirs]
    assert [row["prediction"] for row in ours] == [row["prediction"] for row in theirs]
    assert [row["label"] for row in ours] == [row["label"] for row in theirs]
    for name in (f"p({shape})" for shape in SHAPES):
        np.testing.assert_allclose([float(r[name]) for r in ours], [float(r[name]) for r in theirs], atol=1e-5)


def test_the_figures_are_scikit_learns_of_the_predictions(call, tmp_path):
    assert call(f"--run={finished_run()}", f"--out_dir={tmp_path}").code == 0
    rows, scores = read_rows(tmp_path / "predictions.csv"), json.loads((tmp_path / "scores.json").read_text())
    names = scores["class_names"]
    probabilities = np.array([[float(row[f"p({name})"]) for name in names] for row in rows])
    one_hot = np.eye(len(names))[[names.index(row["label"]) for row in rows]]
    assert scores["roc_area"] == pytest.approx(metrics.roc_auc_score(one_hot, probabilities), abs=1e-5)
    assert scores["average_precision"] == pytest.approx(
        metrics.average_precision_score(one_hot, probabilities), abs=1e-5
    )
    assert scores["brier_score"] == pytest.approx(((probabilities - one_hot) ** 2).sum(axis=1).mean(), abs=1e-5)


def test_another_folder_is_scored_by_its_own_labels(call, tmp_path):
    # Class folders in another order and number than the run's, and a broken file that is passed over.
    root = write_shapes(tmp_path / "new", {"stripes": 5, "disk": 4}, seed=555)
    (root / "disk" / "bad.png").write_bytes(BROKEN)
    done = call(f"--run={finished_run()}", f"--dataset=folder:{root}", f"--out_dir={tmp_path / 'out'}")
    assert done.code == 0, done.stderr
    rows = read_rows(tmp_path / "out" / "predictions.csv")
    right = sum(row["path"].split("/")[-2] == row["prediction"] for row in rows)
    page = Parsed((tmp_path / "out" / "report.html").read_text("utf-8"))
    assert f"{right} of 9 scored pictures are right" in page.sections["headline"]
    assert "bad.png" in page.sections["data"]
    scores = json.loads((tmp_path / "out" / "scores.json").read_text())
    assert (scores["examples"], scores["accuracy"]) == (9, right / 9)
    assert np.array(scores["confusion"]).sum(axis=1).tolist() == [4, 0, 5]


def test_pictures_that_moved_are_found_where_the_user_says(call, tmp_path):
    run_dir = tmp_path / "run"
    run_dir.mkdir()
    for name in ("options.json", "split.csv"):
        shutil.copy(finished_run() / name, run_dir)
    (run_dir / "saved_model").symlink_to(finished_run() / "saved_model")
    options = json.loads((run_dir / "options.json").read_text())
    options["data"]["dataset"] = "folder:/nowhere/pictures"
    (run_dir / "options.json").write_text(json.dumps(options))
    done = call(f"--run={run_dir}")
    assert done.code == 2
    assert "/nowhere/pictures" in done.stderr
    done = call(f"--run={run_dir}", f"--data_dir={shapes_dir()}")
    assert done.code == 0, done.stderr
    held_out = (run_dir / "evaluation" / "test" / "predictions.csv").read_bytes()
    for _ in range(2):  # over its own
        assert call(f"--run={run_dir}", f"--data_dir={shapes_dir()}", "--split=validation").code == 0
    assert sorted(os.listdir(run_dir / "evaluation")) == ["test", "validation"]
    assert (run_dir / "evaluation" / "test" / "predictions.csv").read_bytes() == held_out


@pytest.fixture
def moved(tmp_path):
    """(flags of an evaluation of the run on a copy of its pictures, the first test picture of the copy)."""
    shutil.copytree(shapes_dir(), tmp_path / "copy")
    first = next(row for row in read_rows(finished_run() / "split.csv") if row["split"] == "test")
    return (f"--run={finished_run()}", f"--data_dir={tmp_path / 'copy'}", f"--out_dir={tmp_path / 'out'}"), (
        tmp_path / "copy" / first["path"]
    )


def test_a_test_picture_with_other_bytes_is_named(call, moved, tmp_path):
    arguments, path = moved
    content = path.read_bytes()
    for change, words in (
        (lambda: path.write_bytes(content[:-1] + b"x"), "has other bytes than when the run split its pictures: put it"),
        (lambda: (path.unlink(), path.mkdir()), "cannot be read (a folder"),
        (path.rmdir, "is not there any more"),
    ):
        change()
        done = call(*arguments)
        assert (done.code, done.stderr.count("\n")) == (2, 1)
        assert done.stderr.startswith(f"error: '{path}' {words}")
        assert not (tmp_path / "out").exists()
    path.write_bytes(content)
    assert call(*arguments).code == 0


def test_a_bare_saved_model_is_scored_and_stays_as_it_was_exported(call, tmp_path):
    shutil.copytree(finished_run() / "saved_model", tmp_path / "moved")
    arguments = (f"--run={tmp_path / 'moved'}", f"--dataset=folder:{shapes_dir()}")
    assert call(*arguments).code == 0
    assert sorted(os.listdir(tmp_path)) == ["evaluation", "moved"]
    check_seal(tmp_path / "moved")


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--run={run}", "--split=tets"], ["unknown --split 'tets'", "did you mean 'test'"]),
        (["--run={run}", "--include_trained"], ["--include_trained is for other pictures", "--dataset=folder:PATH"]),
        (["--run={run}", "--dataset=folder:{tmp}/known", "--split=test"], ["holds no split folders; leave the flag"]),
        (["--run={run}", "--dataset=folder:{tmp}/splits"], ["holds the splits train, validation: say with --split"]),
        (["--run={run}", "--dataset=folder:{tmp}/splits", "--split=test"], ["--split=test: ", "train, validation"]),
        (["--run={run}", "--dataset=folder:{tmp}/flat"], ["holds no class folder but '0000.jpg'", "predict.py"]),
        (["--run={run}", "--dataset=folder:{tmp}/near"], ["the class 'Disk' (is 'disk' meant?) and none"]),
        (
            ["--run={run}", "--data_dir=x", "--dataset=folder:y"],
            ["--data_dir=x: --dataset=folder:y names", "leave one"],
        ),
        (
            ["--run={run}", "--dataset=folder:{tmp}/strange", "--cache_dir={tmp}/strange/c"],
            ["--cache_dir '", "c' lies in the data"],
        ),
        (["--run={tmp}/none"], ["none' does not exist", "give a run folder"]),
        (["--run={tmp}"], ["holds no SavedModel", "the run has not finished"]),
        (["--run={run}", "--dataset=realsense"], ["--dataset=realsense", "folder:PATH"]),
        (["--run={run}", "--dataset=folder:{tmp}/none"], ["none' does not exist"]),
        (
            ["--run={run}", "--dataset=folder:{tmp}/strange"],
            ["has the class 'cats' and none that the run knows, as 'disk'"],
        ),
        (["--run={run}", "--dataset=folder:{tmp}/strange", "--out_dir={tmp}/strange/x"], ["x' lies in the data"]),
        (["--run={run}/saved_model"], ["is not a run folder", "--dataset=folder:PATH"]),
        (["--run={run}", "extra"], ["'extra' is not a flag"]),
        (["--run={run}", "--out_dir={tmp}/file/out"], ["--out_dir=", "cannot be written", "give another folder"]),
        (["--run={run}", "--data_dir={tmp}/strange", "--out_dir={tmp}/strange/x"], ["x' lies in the data folder"]),
        (["--run={run}", "--out_dir=/proc/x"], ["--out_dir=/proc/x cannot be written"]),
        (["--run={run}", "--out_dir={tmp}/mine"], ["mine holds 'confusion.png', which this script did not write"]),
        (["--run={run}", "--out_dir={tmp}/page"], ["page holds 'report.html', which this script did not write"]),
        (["--run={run}", "--out_dir={run}/saved_model/x"], ["cannot be written: it lies in a SavedModel", "exported"]),
        ([], ["--run is missing"]),
    ],
)
def test_mistakes_are_one_line(arguments, words, call, tmp_path):
    write_shapes(
        tmp_path, {"cats/disk": 1, "known/disk": 1, "splits/train/disk": 1, "splits/val/disk": 1, "flat/disk": 1}
    )
    (tmp_path / "strange").mkdir()
    (tmp_path / "cats" / "disk").rename(tmp_path / "strange" / "cats")
    (tmp_path / "flat" / "disk" / "0000.jpg").rename(tmp_path / "flat" / "0000.jpg")
    (tmp_path / "flat" / "disk").rmdir()
    write_shapes(tmp_path / "near", {"disk": 1}, 667)
    (tmp_path / "near" / "disk").rename(tmp_path / "near" / "Disk")
    (tmp_path / "file").write_text("")
    (tmp_path / "page").mkdir()
    (tmp_path / "page" / "report.html").write_text('<!DOCTYPE html>\n<html lang="en">')
    write_shapes(tmp_path, {"mine/disk": 2})
    (tmp_path / "mine" / "disk" / "0001.png").rename(tmp_path / "mine" / "confusion.png")
    done = call(*(argument.format(run=finished_run(), tmp=tmp_path) for argument in arguments))
    assert done.code == 2
    assert done.stderr.startswith("error: ")
    assert done.stderr.count("\n") == 1
    for word in words:
        assert word in done.stderr
