"""compare.py where models are run: on the clock, and on other pictures than the runs' own."""

import json
import shutil

import numpy as np
import pytest

from base import durable
from cli import compare
from tests.helpers.run_fixtures import (
    BROKEN,
    SHAPES,
    call_script,
    finished_run,
    read_rows,
    shapes_dir,
    write_shapes,
)


@pytest.fixture
def call(monkeypatch, capfd):
    return lambda *arguments: call_script(compare, [*map(str, arguments)], monkeypatch, capfd)


@pytest.fixture
def twin(tmp_path):
    """A copy of the finished run."""
    return shutil.copytree(
        finished_run(), tmp_path / "twin", ignore=shutil.ignore_patterns("checkpoints", "evaluation")
    )


def test_models_are_timed_on_their_own_test_pictures(call, twin, tmp_path):
    done = call(twin, finished_run(), f"--out_dir={tmp_path}/out")
    assert done.code == 0, done.stderr
    told = json.loads((tmp_path / "out" / "comparison.json").read_text())
    for run in told["runs"]:
        assert run["milliseconds_a_picture"].keys() == {"1", "32"}
        assert all(value > 0 for value in run["milliseconds_a_picture"].values())
    assert told["machine"].endswith(" CPU cores")
    assert told["notes"] == ["finished has the very weights of twin"]
    (pair,) = told["pairs"]
    assert (pair["only_first"], pair["only_second"], pair["loss_difference"], pair["p_value"]) == (0, 0, 0.0, 1.0)
    expected = json.loads((finished_run() / "results.json").read_text())["test"]
    assert [run["accuracy"] for run in told["runs"]] == [expected["accuracy"]] * 2
    assert told["runs"][0]["balanced_accuracy"] == expected["balanced_accuracy"]


def test_where_the_pictures_are_gone_nothing_is_timed_and_that_is_said(call, twin, tmp_path):
    done = call(twin, finished_run(), f"--out_dir={tmp_path}/out", f"--data_dir={tmp_path}/moved")
    assert done.code == 0, done.stderr
    assert "note: not timed: the pictures are not where they were; --data_dir says where they are" in done.stdout
    told = json.loads((tmp_path / "out" / "comparison.json").read_text())
    assert [run["milliseconds_a_picture"] for run in told["runs"]] == [None, None]


def test_all_runs_are_scored_on_pictures_on_which_none_trained(call, twin, tmp_path):
    root, rows = tmp_path / "new", read_rows(finished_run() / "split.csv")
    write_shapes(root, {"disk": 6, "stripes": 5}, seed=555)
    (root / "disk" / "bad.png").write_bytes(BROKEN)
    (root / "cats").mkdir()
    shutil.copy(root / "disk" / "0000.jpg", root / "cats" / "0000.jpg")
    # The twin says that it trained on other pictures: of these both are left out.
    lines = (twin / "split.csv").read_text().splitlines(keepends=True)
    for number, name in ((1, "0001.png"), (2, "0002.jpg")):
        lines[number] = lines[number].replace(rows[number - 1]["sha256"], durable.sha256_file(root / "disk" / name))
    (twin / "split.csv").write_text("".join(lines))
    trained = next(row for row in rows[10:] if row["split"] == "train" and row["label"] == "square")
    (root / "square").mkdir()
    shutil.copy(shapes_dir() / trained["path"], root / "square")
    done = call(twin, finished_run(), "--notime", f"--dataset=folder:{root}", f"--out_dir={tmp_path}/out")
    assert done.code == 0, done.stderr
    told = json.loads((tmp_path / "out" / "comparison.json").read_text())
    assert (told["examples"], told["compared"]) == (9, f"folder:{root}, all of it")
    assert [run["examples"] for run in told["runs"]] == [9, 9]
    notes = "\n".join(told["notes"])
    assert "trained on: 3 of 13 files have the bytes of one that trained the run; left out" in notes
    assert "not scored: 1 of 'cats'" in notes
    assert "refused: disk/bad.png" in notes
    assert told["class_names"] == sorted(SHAPES)
    assert [run["milliseconds_a_picture"] for run in told["runs"]] == [None, None]
    np.testing.assert_allclose(told["pairs"][0]["loss_interval"], [0, 0])


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("none", "none' does not exist"),
        ("strange", "has the class 'cats' and none that the run knows, as 'disk'"),
    ],
)
def test_mistakes_with_pictures_are_one_line(name, words, call, twin, tmp_path):
    write_shapes(tmp_path / "strange", {"disk": 1})
    (tmp_path / "strange" / "disk").rename(tmp_path / "strange" / "cats")
    done = call(twin, finished_run(), f"--dataset=folder:{tmp_path}/{name}", f"--out_dir={tmp_path}/out")
    assert (done.code, done.stderr.count("\n")) == (2, 1)
    assert words in done.stderr
    assert not (tmp_path / "out").exists()


def test_a_model_that_is_not_as_it_was_exported_is_not_run(call, twin, tmp_path):
    with open(twin / "saved_model" / "saved_model.pb", "ab") as file:
        file.write(b"x")
    done = call(finished_run(), twin, f"--out_dir={tmp_path}/out")
    assert (done.code, done.stderr.count("\n")) == (2, 1)
    assert "is not as it was exported" in done.stderr
