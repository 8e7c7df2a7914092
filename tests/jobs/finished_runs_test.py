"""Finished runs as they are opened to be compared: each with a name of its own, or refused in one line."""

import json
import os
from pathlib import Path

import pytest

from base.errors import UserError
from jobs.finished_runs import differing_options, names_of, open_runs
from tests.helpers.compared_runs import write_pictures, write_run


@pytest.fixture(scope="module")
def pictures(tmp_path_factory):
    return write_pictures(tmp_path_factory.mktemp("pictures"))


@pytest.fixture
def two(tmp_path, pictures):
    return [write_run(tmp_path / name, pictures) for name in ("a", "b")]


def refusal(paths) -> str:
    with pytest.raises(UserError) as caught:
        open_runs(paths)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_what_a_run_says_of_itself_is_read(two):
    first, second = open_runs(two)
    assert (first.name, second.name) == ("a", "b")
    assert first.class_names == ["cats", "dogs", "wolves"]
    assert first.saved_model_bytes == 1000
    assert first.number("parameters") == 12345
    assert first.number("seconds") == 61.5
    assert first.options["epochs"] == "3"


@pytest.mark.parametrize("value", [None, True, "3", [3], float("nan"), float("inf"), -1, 10**40])
def test_what_is_no_number_is_none(value, two):
    results = json.loads((two[0] / "results.json").read_text())
    (two[0] / "results.json").write_text(json.dumps(results | {"parameters": value}))
    assert open_runs(two)[0].number("parameters") is None


@pytest.mark.parametrize(
    ("paths", "names"),
    [
        (["runs/a", "runs/b"], ["a", "b"]),
        (["x/a", "y/a"], ["x/a", "y/a"]),
        (["x/a", "y/a", "y/b"], ["x/a", "y/a", "y/b"]),
        (["1/x/a", "2/x/a"], ["1/x/a", "2/x/a"]),
        (["a/b", "b"], ["a/b", "{here}/b"]),
        (["runs/a/../c", "runs/b/"], ["c", "b"]),
    ],
)
def test_names_are_as_short_as_they_tell_apart(paths, names, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert names_of([Path(path) for path in paths]) == [name.format(here=tmp_path.name) for name in names]


def test_a_name_is_one_line_of_text(tmp_path):
    assert names_of([tmp_path / "a\nb", tmp_path / os.fsdecode(b"\xff")]) == ["a\\nb", "\\xff"]


def test_options_that_differ_are_listed_and_no_other(tmp_path, pictures):
    write_run(tmp_path / "a", pictures)
    write_run(
        tmp_path / "b", pictures, options={"seed": 5, "learning_rate": 0.01}, train={"examples": 1234},
        versions={"keras": "4"}, network_sha256="0123456789abcdef", chosen={"precision": "float32"},
    )  # fmt: skip
    rows = dict(differing_options(open_runs([tmp_path / "a", tmp_path / "b"])))
    assert rows == {
        "seed": ["1", "5"], "learning_rate": ["0.002", "0.01"], "precision": ["auto", "auto: float32"],
        "train examples": ["4", "1,234"], "file of the network, SHA-256": ["–", "0123456789ab"],
        "version of keras": ["3", "4"],
    }  # fmt: skip


def test_runs_that_cannot_be_compared_are_refused(two, tmp_path, pictures):
    assert refusal([]) == "no run is given: name two run folders or more, as runs/catdog/...; see --help"
    assert refusal(two[:1]).startswith(f"'{two[0]}' is the only run: name two run folders or more")
    (tmp_path / "link").symlink_to(two[0])
    assert refusal([*two, tmp_path / "link"]).startswith(f"'{tmp_path}/link' is given twice: ")
    assert refusal([two[0], tmp_path / "none"]).startswith(f"'{tmp_path}/none' does not exist: give run folders")
    (tmp_path / "file").write_text("")
    assert f"'{tmp_path}/file' is a file: give run folders" in refusal([two[0], tmp_path / "file"])
    assert "(it has no options.json)" in refusal([two[0], pictures.root])


@pytest.mark.parametrize("lost", ["results.json", "report.html", "saved_model/saved_model.pb"])
def test_a_run_that_is_not_finished_is_refused(lost, two):
    (two[1] / lost).unlink()
    assert refusal(two) == (
        f"'{two[1]}' holds a run that is not finished: give its train.py command again, or leave it out"
    )


def test_runs_of_other_classes_are_refused(two, tmp_path, pictures):
    other = write_run(tmp_path / "c", pictures, class_names=("cats", "dogs", "wolves", "foxes"))
    assert refusal([*two, other]) == (
        "'c' has other classes than 'a' ('c' knows 'foxes', 'a' does not; 1 differ): compare runs of the same classes"
    )
    assert refusal([other, two[0]]).startswith("'a' has other classes than 'c' ('c' knows 'foxes', 'a' does not; 1 d")
    write_run(tmp_path / "d", pictures, class_names=("wolves", "cats", "dogs"))
    assert len(open_runs([*two, tmp_path / "d"])) == 3  # in any order


@pytest.mark.parametrize("names", [None, 3, [], ["cats", "cats"], ["cats", 3], {"cats": 1}])
def test_class_names_that_are_none_are_refused(names, two):
    results = json.loads((two[1] / "results.json").read_text())
    (two[1] / "results.json").write_text(json.dumps(results | {"class_names": names}))
    assert refusal(two) == f"'{two[1]}': results.json does not name the classes, each once: put it back"


@pytest.mark.parametrize("options", ["{", "[]", '"x"', '{"data": 3}', '{"data": [1], "seed": {}}'])
def test_options_that_are_none_are_refused(options, two):
    (two[1] / "options.json").write_text(options)
    assert refusal(two).startswith(f"'{two[1]}': options.json is damaged (")
