"""The door to a run's files: what is written comes back, damage is one line, another run's options are refused."""

import dataclasses
import json

import numpy as np
import pytest

from base import durable
from base.errors import UserError
from records.history import COLUMNS
from records.run_folder import FILES, FOLDERS, RunFolder
from records.tables import (
    BatchRow,
    LabelIssueRow,
    PredictionRow,
    RateRow,
    RefusedRow,
    SliceRow,
    SplitRow,
)
from tests.helpers.run_fixtures import finished_run
from tests.helpers.run_folders import OPTIONS, Nested


@pytest.fixture
def folder(tmp_path) -> RunFolder:
    """A run that has begun."""
    folder = RunFolder(tmp_path)
    folder.options.write(OPTIONS.to_json())
    return folder


def put(folder: RunFolder, name: str, content: str) -> None:
    (folder.path / name).write_bytes(content.encode("utf-8", "surrogateescape"))


def test_what_is_written_comes_back_and_every_file_has_its_name(folder):
    split = [SplitRow("a/1.jpg", "a", "train", "0f"), SplitRow("caf\udce9,\n", "b", "test", "")]
    refused = [RefusedRow("a/b\r.jpg", "no picture")]
    history = [dict.fromkeys(COLUMNS, 0.1) | {"epoch": 1, "step": 9, "phase": "all", "validation_loss": None}]
    predictions = [PredictionRow("a/1.jpg", "a", "b", np.array([0.1, 1 / 3], np.float32))]
    folder.split.write(split)
    folder.quarantine.write(refused)
    folder.aside.write(refused)
    folder.history.write(history)
    folder.predictions.write(("a", "b"), predictions)
    folder.results.write({"steps": 3})
    folder.bad_batch.write([BatchRow(7, 0, "a/1.jpg", "a", "no")])
    folder.flags.write("--epochs=3\n")
    folder.report.write("<html>")
    folder.model_card.write("# A model")
    folder.network.write(b"def build(): ...\n")
    folder.rates.write([RateRow(1e-7, 0.75, 0.5)])
    folder.rates_curve.write(b"\x89PNG")
    doubt = LabelIssueRow(1, "a/\udce9.jpg", "a", "b", 0.125, 0.75, "test", "sure of another class")
    part = SliceRow("size", "12,000 pixels or more", 20, 3, "0.15", "0.05", "0.36", "", "", "too few to say")
    folder.suspicious_labels.write([doubt])
    folder.slices.write([part])
    assert folder.suspicious_labels.read() == [LabelIssueRow(*map(str, doubt))]
    assert folder.slices.read() == [SliceRow(*map(str, part))]
    assert folder.options.read() == OPTIONS.to_json()
    assert folder.split.read() == split
    assert folder.quarantine.read() == folder.aside.read() == refused
    assert folder.history.read() == history
    (row,) = folder.predictions.read()
    assert row[:3] == predictions[0][:3]
    np.testing.assert_array_equal(row.probabilities, predictions[0].probabilities)
    assert folder.results.read() == {"steps": 3}
    assert folder.flags.path.read_text() == "--epochs=3\n"
    assert folder.report.path.read_text() == "<html>"
    assert folder.rates.read() == [RateRow("1e-07", "0.75", "0.5")]
    assert folder.rates_curve.read() == b"\x89PNG"
    assert folder.network.read() == b"def build(): ...\n"
    assert {path.name for path in folder.path.iterdir()} == set(FILES)


def test_the_folders_have_their_names(folder):
    found = [folder.events(split) for split in ("train", "validation", "test")]
    found += [folder.best_events, folder.checkpoints, folder.saved_model]
    assert [path.relative_to(folder.path).as_posix() for path in found] == [*FOLDERS]


def test_a_run_has_begun_where_its_options_are(folder, tmp_path):
    assert folder.has_begun
    assert not RunFolder(tmp_path / "nothing").has_begun


def test_tables_that_a_run_may_lack_are_empty(folder):
    assert folder.quarantine.read() == folder.predictions.read() == folder.slices.read() == []
    with pytest.raises(FileNotFoundError):
        folder.split.read()


def test_writing_a_finished_runs_files_again_changes_no_byte(tmp_path):
    old, new = RunFolder(finished_run()), RunFolder(tmp_path)
    new.options.write(old.options.read())
    new.split.write(old.split.read())
    new.quarantine.write(old.quarantine.read())
    whole = ("epoch", "step")
    new.history.write([row | {name: int(row[name]) for name in whole} for row in old.history.read()])
    new.predictions.write(old.results.read()["class_names"], old.predictions.read())
    new.results.write(old.results.read())
    written = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    assert len(written) == 6
    assert written == {name: (finished_run() / name).read_bytes() for name in written}


def test_the_same_options_are_adopted(folder):
    assert folder.adopt(OPTIONS) == OPTIONS.to_json()
    assert folder.adopt(dataclasses.replace(OPTIONS, data_dir="/elsewhere", cache="none"))
    assert RunFolder(folder.path / "nothing").adopt(OPTIONS) == {}


def test_a_resumed_run_keeps_its_threads_unless_told(folder):
    assert folder.adopt(dataclasses.replace(OPTIONS, threads=0))["threads"] == 2
    with pytest.raises(UserError, match=r"threads: 2 -> 3"):
        folder.adopt(dataclasses.replace(OPTIONS, threads=3))


def test_other_options_are_refused_and_named(folder):
    with pytest.raises(UserError) as caught:
        folder.adopt(dataclasses.replace(OPTIONS, epochs=4, learning_rate=0.5))
    assert "epochs: 3 -> 4; learning_rate: 0.001 -> 0.5" in str(caught.value)
    assert str(folder.path) in str(caught.value)
    assert "another --run_dir" in str(caught.value)
    assert folder.has_begun


def test_options_of_an_earlier_version_are_refused_in_one_line(folder):
    with pytest.raises(UserError) as caught:
        folder.adopt(Nested(threads=2))
    assert str(caught.value) == (
        f"'{folder.path}/options.json' was written by an earlier version (it has no 'training'), whose runs cannot be "
        "continued: give another --run_dir"
    )
    folder.options.write(Nested(threads=2).to_json())
    assert folder.adopt(Nested(threads=2))


@pytest.mark.parametrize("content", ["", "{", "[]", "7", "\udcff", '{"threads": "all"}', '{"threads": true}'])
def test_damaged_options_are_named(content, folder):
    put(folder, "options.json", content)
    with pytest.raises(UserError, match=r"options.json' cannot be read \(.*put it back"):
        folder.adopt(OPTIONS)


def finish(folder: RunFolder) -> None:
    folder.results.write({"steps": 3})
    folder.report.write("<html>")
    durable.write_text(folder.saved_model / "saved_model.pb", "")


@pytest.mark.parametrize("name", ["results.json", "report.html", "saved_model/saved_model.pb"])
def test_a_run_is_finished_by_its_last_file(name, folder):
    finish(folder)
    assert folder.results_if_finished() == {"steps": 3}
    (folder.path / name).unlink()
    assert folder.results_if_finished() is None


@pytest.mark.parametrize("content", ["", '{"steps"', "[3]", "\udcff"])
def test_damaged_results_are_those_of_an_unfinished_run(content, folder):
    finish(folder)
    put(folder, "results.json", content)
    assert folder.results_if_finished() is None


@pytest.mark.parametrize("kind", ["options", "results"])
def test_what_is_no_mapping_is_said_to_be_none(kind, folder):
    put(folder, f"{kind}.json", json.dumps([1]))
    with pytest.raises(ValueError, match="it holds a list"):
        getattr(folder, kind).read()
