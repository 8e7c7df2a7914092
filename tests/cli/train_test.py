"""One run from end to end: every file it leaves, and every number in them against another way to it."""

import csv
import hashlib
import json
import math
import os
import shutil

import numpy as np
import pytest
import tensorflow as tf
from absl import flags
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from cli import train
from cli.flags import options_of
from records import run_folder
from records.history import COLUMNS
from tests.helpers.run_fixtures import (
    SHAPES,
    SMALL_MODEL,
    call_script,
    finished_run,
    lively_flags,
    read_rows,
    run_script,
    shapes_dir,
)
from training.checkpoint import load_checkpoint, weights_sha256

STEPS, EPOCHS, EXAMPLES = 25, 3, 321
# DESIGN.md's list; .lock is what a second process is refused by.
FILES = {"options.json", "flags.txt", "split.csv", "quarantine.csv", "left_aside.csv", "history.csv",
         "predictions_test.csv", "slices.csv", "suspicious_labels.csv", "results.json", "model_card.md", "report.html",
         ".lock"}  # fmt: skip
SHAPE_COLUMNS = [f"p({name})" for name in sorted(SHAPES)]
FOLDERS = {"train", "validation", "test", "best", "checkpoints", "saved_model"}


@pytest.fixture(scope="module")
def results() -> dict:
    return json.loads((finished_run() / "results.json").read_text())


def test_what_was_told_of_the_splits_stands_in_results_and_report(results):
    drawn = next(note for note in results["notes"] if note.startswith("test: drawn"))
    assert f'<p class="soft">{drawn}</p>' in (finished_run() / "report.html").read_text()


def columns_of(rows, *names) -> np.ndarray:
    return np.array([[float(row[name]) for name in names] for row in rows])


def test_a_run_leaves_what_the_design_lists_and_nothing_else():
    found = {entry.name: entry.is_dir() for entry in os.scandir(finished_run())}
    assert {name for name, folder in found.items() if not folder} == FILES
    assert {name for name, folder in found.items() if folder} == FOLDERS
    # What is swept, and what may not stand in the way: bad_batch.csv comes with a loss that is no number, network.py
    # with a network of the user's own, and the others with a range test.
    others = {"bad_batch.csv", "network.py", "learning_rate_range.csv", "learning_rate_range.png"}
    assert {*run_folder.FILES, ".lock"} == FILES | others
    assert set(run_folder.FOLDERS) == FOLDERS
    assert all(path.stat().st_size for path in finished_run().rglob("*") if path.is_file() and path.name != ".lock")


def test_the_last_three_checkpoints_and_the_best_are_kept(results):
    best = STEPS * results["best_epoch"]
    kept = sorted(int(path.name.removeprefix("step-")) for path in (finished_run() / "checkpoints").iterdir())
    assert kept == sorted({STEPS * EPOCHS, STEPS * EPOCHS - 1, STEPS * EPOCHS - 3, best})


def test_the_test_scores_are_those_of_the_predictions(results):
    rows = read_rows(finished_run() / "predictions_test.csv")
    assert list(rows[0]) == ["path", "label", "prediction", *SHAPE_COLUMNS]
    probabilities = columns_of(rows, *SHAPE_COLUMNS)
    np.testing.assert_allclose(probabilities.sum(axis=1), 1, atol=1e-6)
    assert [row["prediction"] for row in rows] == [sorted(SHAPES)[place] for place in probabilities.argmax(axis=1)]
    right = sum(row["prediction"] == row["label"] for row in rows)
    losses = [-math.log(float(row["p(" + row["label"] + ")"])) for row in rows]
    test = results["test"]
    assert (test["examples"], test["accuracy"]) == (len(rows), right / len(rows))
    assert test["loss"] == pytest.approx(sum(losses) / len(rows), rel=1e-6)
    low, high = test["accuracy_interval"]
    assert low < test["accuracy"] < high
    # Wilson (1927), https://www.jstor.org/stable/2276774: both ends lie 1.96 of their own deviations from the rate.
    for end in (low, high):
        deviation = math.sqrt(end * (1 - end) / len(rows))
        assert abs(end - test["accuracy"]) == pytest.approx(1.96 * deviation, rel=1e-6)
    # Three classes: a third is chance. The shapes are there to be learned.
    assert test["accuracy"] > 0.45


def test_results_say_what_was_run(results):
    history = read_rows(finished_run() / "history.csv")
    options = json.loads((finished_run() / "options.json").read_text())
    best = max(history, key=lambda row: (float(row["validation_accuracy"]), -float(row["validation_loss"])))
    expected = {
        "dataset": f"folder:{shapes_dir()}", "data_origin": "real", "model": "catdog_1", "class_names": sorted(SHAPES),
        "epochs": EPOCHS, "steps": STEPS * EPOCHS, "best_epoch": int(best["epoch"]), "precision": "mixed_bfloat16",
        "strategy": "none", "seed": 3, "quarantined": 1, "device": "CPU, 2 threads",
    }  # fmt: skip
    assert {name: results[name] for name in expected} == expected
    assert (results["train"]["examples"], results["validation"]["examples"]) == (193, 64)
    # Scored in float32, trained in bfloat16: two decimals agree.
    assert results["validation"]["loss"] == pytest.approx(float(best["validation_loss"]), rel=0.02)
    assert results["versions"]["tensorflow"] == tf.__version__
    assert set(results["versions"]) == {"penstock", "python", "tensorflow", "keras", "numpy"}
    rates, seconds = columns_of(history, "images_per_second", "seconds").T
    assert results["images_per_second"] == pytest.approx((rates * seconds).sum() / seconds.sum())
    assert 0 <= results["input_wait_fraction"] <= 1
    assert results["export_largest_difference"] <= 1e-5
    assert options["threads"] == 2
    # 3x3 convolutions to 4 and 8 channels, 2x2x8 features, 8 units, 3 logits.
    assert results["parameters"] == (27 * 4 + 4) + (36 * 8 + 8) + (32 * 8 + 8) + (8 * 3 + 3)


def test_the_weights_hash_is_of_the_last_steps_variables(results):
    last = load_checkpoint(finished_run() / "checkpoints" / f"step-{STEPS * EPOCHS:08d}")
    # Four layers' kernels and biases, and the dropout's seed state.
    assert len(last.arrays["model"]) == 9
    assert weights_sha256(last.arrays["model"]) == results["weights_sha256"]


def test_the_split_names_every_example_once_with_its_content():
    rows = read_rows(finished_run() / "split.csv")
    assert len(rows) == len({row["path"] for row in rows}) == EXAMPLES
    for row in rows:
        content = (shapes_dir() / row["path"]).read_bytes()
        assert hashlib.sha256(content).hexdigest() == row["sha256"]
        assert row["path"].startswith(row["label"] + "/")
    homes = {row["path"]: row["split"] for row in rows}
    assert homes["square/same.jpg"] == homes["square/0000.jpg"]
    for shape in SHAPES:
        counts = [sum(row["label"] == shape and row["split"] == split for row in rows)
                  for split in ("train", "validation", "test")]  # fmt: skip
        np.testing.assert_allclose(counts, np.array([0.6, 0.2, 0.2]) * sum(counts), atol=1.5)


def test_predictions_are_of_the_test_split_in_its_order():
    test = [row for row in read_rows(finished_run() / "split.csv") if row["split"] == "test"]
    predictions = read_rows(finished_run() / "predictions_test.csv")
    assert [(row["path"], row["label"]) for row in predictions] == [(row["path"], row["label"]) for row in test]


def test_the_refused_file_is_listed_with_its_reason():
    (row,) = read_rows(finished_run() / "quarantine.csv")
    assert row["path"] == "square/broken.jpg"
    assert "JPEG" in row["reason"]
    assert (shapes_dir() / "square" / "broken.jpg").exists()


def test_the_history_is_in_the_event_files():
    history = read_rows(finished_run() / "history.csv")
    assert list(history[0]) == list(COLUMNS)
    assert [int(row["step"]) for row in history] == [STEPS, 2 * STEPS, 3 * STEPS]
    assert columns_of(history, "learning_rate").ravel().tolist() == pytest.approx([0.0092, 0.0037, 6.4e-6], rel=0.02)
    for split, prefix in (("train", ""), ("validation", "validation_")):
        events = EventAccumulator(str(finished_run() / split), size_guidance={"tensors": 0})
        events.Reload()
        for tag in ("loss", "accuracy"):
            shown = [(e.step, float(tf.make_ndarray(e.tensor_proto))) for e in events.Tensors(tag)]
            expected = columns_of(history, prefix + tag).ravel().astype(np.float32).tolist()
            assert shown == list(zip((1, 2, 3), expected, strict=True))
        if split == "train":
            assert {"samples", "augmented", "learning_rate", "images_per_second"} <= set(events.Tags()["tensors"])
    events = EventAccumulator(str(finished_run() / "test"))
    events.Reload()
    assert set(events.Tags()["tensors"]) == {"loss", "accuracy", "confusion", "calibration", "worst_mistakes",
                                         *(f"precision_recall/class_{number}" for number in range(3))}  # fmt: skip


def test_the_flagfile_gives_the_runs_options_again():
    values = flags.FlagValues()
    flags.DEFINE_multi_string("flagfile", [], "", flag_values=values)
    train.define_flags(values)
    values(["train.py", f"--flagfile={finished_run() / 'flags.txt'}"])
    options = options_of(values)
    written = json.loads((finished_run() / "options.json").read_text())
    assert json.loads(json.dumps(options.to_json())) == written


def test_the_log_says_what_was_chosen_and_why():
    log = finished_run().with_suffix(".log").read_text()
    for words in ("device      CPU, 2 threads", "strategy    none (one device)", "precision   mixed_bfloat16 (asked",
                  "321 examples, 1 quarantined", "refused   square/broken.jpg", "steps       25 an epoch",
                  "the last batch has 1 and padding", "cache       pack: ", "epoch 3/3", "report.html"):  # fmt: skip
        assert words in log


def test_a_finished_run_is_not_run_again(monkeypatch, capfd, tmp_path):
    run_dir = shutil.copytree(finished_run(), tmp_path / "run")
    before = {path: path.stat().st_mtime_ns for path in run_dir.rglob("*") if path.is_file()}
    arguments = [*lively_flags("mixed_bfloat16"), f"--run_dir={run_dir}"]
    done = call_script(train, arguments, monkeypatch, capfd)
    assert (done.code, done.stdout) == (
        0,
        f"finished already: {run_dir / 'results.json'}; more --epochs go on, another --run_dir trains again\n",
    )
    after = {path: path.stat().st_mtime_ns for path in run_dir.rglob("*") if path.is_file()}
    assert {path.name for path in after if after[path] != before.get(path)} <= {".lock"}


def test_two_replicas_train_from_end_to_end(tmp_path):
    arguments = (f"--dataset=folder:{shapes_dir()}", *SMALL_MODEL, "--strategy=mirrored", "--replicas=2", "--epochs=2",
                 "--augment_on=device", "--augment=light", "--precision=float32", "--learning_rate=0.01",
                 "--full_train", f"--run_dir={tmp_path / 'run'}")  # fmt: skip
    done = run_script("train.py", *arguments)
    assert done.code == 0, done.stderr
    assert "strategy    mirrored over 2 replicas (asked for)" in done.stdout
    assert "(32 a replica)" in done.stdout
    assert "on the device (asked for)" in done.stdout
    results = json.loads((tmp_path / "run" / "results.json").read_text())
    assert results["strategy"] == "mirrored x 2"
    assert (results["steps"], results["best_epoch"], results["validation"]) == (10, 2, None)
    assert results["train"]["examples"] == 193 + 64
    history = read_rows(tmp_path / "run" / "history.csv")
    assert [row["validation_loss"] for row in history] == ["", ""]
    assert float(history[1]["loss"]) < float(history[0]["loss"])
    with open(tmp_path / "run" / "predictions_test.csv", newline="") as file:
        assert len(list(csv.reader(file))) == 65
