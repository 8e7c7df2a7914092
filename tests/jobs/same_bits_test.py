"""Two runs are the same to the last bit or they are not, and then what decides bits and differs is named."""

import dataclasses
import shutil

import numpy as np
import pytest

from jobs.options import resolve
from jobs.same_bits import compare_runs, other_epochs, other_predictions
from records.history import COLUMNS, TIMED_COLUMNS
from records.run_folder import RunFolder
from records.tables import PredictionRow
from tests.helpers.made_runs import write_finished

OPTIONS = resolve("folder:/here", {"epochs": 3, "threads": 2})
IDENTITY = {"options": {"threads": 2, "seed": 1}, "processor": "A CPU", "versions": {"numpy": "2.0", "keras": "3"},
            "manifest_sha256": "0a"}  # fmt: skip


def row_of(epoch: int, **more) -> dict:
    return dict.fromkeys(COLUMNS, 0.25) | {"epoch": epoch, "step": 3 * epoch, "phase": "all"} | more


HISTORY = [row_of(1), row_of(2)]


@pytest.fixture
def runs(tmp_path):
    """A finished run and a copy of it."""
    told = {"weights_sha256": "ab" * 32, "identity": IDENTITY, "versions": {"numpy": "2.0"}, "chosen": {"threads": 2}}
    path = write_finished(tmp_path / "old", OPTIONS, **told)
    RunFolder(path).history.write(HISTORY)
    return RunFolder(path), RunFolder(shutil.copytree(path, tmp_path / "new"))


def changed(folder: RunFolder, **more) -> None:
    folder.results.write(folder.results.read() | more)


def test_a_run_is_itself(runs):
    verdict = compare_runs(*runs)
    assert verdict.is_equal
    assert [*verdict.found] == ["weights after the last step", "epochs", "test predictions"]
    assert verdict.causes == []


def test_times_are_no_bits(runs):
    runs[1].history.write([row_of(1, **dict.fromkeys(TIMED_COLUMNS, 9.5)), row_of(2, seconds=None)])
    changed(runs[1], seconds=99.0, finished_at="later")
    assert compare_runs(*runs).is_equal


def test_other_weights_are_seen_where_all_else_is_equal(runs):
    changed(runs[1], weights_sha256="cd" * 32)
    verdict = compare_runs(*runs)
    assert not verdict.is_equal
    assert verdict.found["weights after the last step"] == f"SHA-256 {'ab' * 32} -> {'cd' * 32}"
    assert verdict.causes == []


@pytest.mark.parametrize("name", sorted({*COLUMNS} - {*TIMED_COLUMNS, "epoch"}))
def test_the_first_other_figure_of_an_epoch_is_named(name):
    other = "head" if name == "phase" else np.nextafter(0.25, 1)
    expected = f"from epoch 2 on, {name} {HISTORY[1][name]} -> {other}"
    assert other_epochs(HISTORY, [row_of(1), row_of(2, **{name: other})]) == expected


def test_more_epochs_are_others():
    assert other_epochs(HISTORY, HISTORY[:1]) == "2 -> 1 of them"
    assert other_epochs(HISTORY, HISTORY) == ""


def test_one_bit_of_one_probability_is_seen():
    rows = [PredictionRow(f"{one}.jpg", "cat", "cat", np.array([0.75, 0.25], np.float32)) for one in range(5)]
    assert other_predictions(rows, rows[::-1]) == ""
    near = rows[2]._replace(probabilities=np.nextafter(rows[2].probabilities, np.float32(1)))
    assert (
        other_predictions(rows, [*rows[:2], near, *rows[3:]]) == "1 of 5 rows, by 6e-08 at most; 0 answers are others"
    )
    answered = rows[2]._replace(prediction="dog")
    assert "1 answers are others" in other_predictions(rows, [*rows[:2], answered, *rows[3:]])
    assert other_predictions(rows, rows[:3]) == "2 pictures are in one run alone"
    wider = [row._replace(probabilities=np.ones(3, np.float32)) for row in rows]
    assert other_predictions(rows, wider) == "the classes are others"


@pytest.mark.parametrize(
    ("identity", "cause"),
    [
        ({"processor": "Another"}, "processor: A CPU -> Another"),
        ({"versions": {"numpy": "2.1", "keras": "3"}}, "versions.numpy: 2.0 -> 2.1"),
        ({"options": {"threads": 4, "seed": 1}}, "options.threads: 2 -> 4"),
        ({"environment": {"TF_X": "1"}}, "environment.TF_X: None -> 1"),
    ],
)
def test_what_decides_bits_and_differs_is_named(identity, cause, runs):
    changed(runs[1], identity=IDENTITY | identity)
    assert compare_runs(*runs).causes == [cause]


def test_of_an_older_run_what_it_knows_is_compared(runs):
    results = runs[0].results.read()
    del results["identity"]
    runs[0].results.write(results)
    changed(runs[1], versions={"numpy": "2.2"}, chosen={"threads": 1})
    assert compare_runs(*runs).causes == ["threads: 2 -> 1", "versions.numpy: 2.0 -> 2.2"]


def test_other_files_and_other_splits_are_named(runs):
    rows = runs[1].split.read()
    runs[1].split.write([rows[0]._replace(sha256="ff"), rows[1]._replace(split="train"), *rows[2:]])
    causes = compare_runs(*runs).causes
    assert causes[0] == "changed pictures: 1, as '0.jpg'"
    assert causes[1].startswith("pictures in another split: 1, as '1.jpg': ")


def test_the_verdict_is_of_what_was_compared_alone(runs):
    changed(runs[1], identity=IDENTITY | {"processor": "Another"})
    verdict = compare_runs(*runs)
    assert verdict.is_equal  # another processor that rounded alike
    assert not dataclasses.replace(verdict, found={"epochs": "2 -> 1 of them"}).is_equal
