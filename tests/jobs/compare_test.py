"""Finished runs are compared from their files alone: without TensorFlow, the same numbers each time, into a folder of
their own."""

import csv
import json
import subprocess
import sys

import numpy as np
import pytest

from base import durable
from base.errors import UserError
from evaluation.comparison import mcnemar_exact
from evaluation.comparison_words import NO_DIFFERENCE
from jobs.compare import Comparison, compare, folder_name, open_compared
from jobs.finished_runs import open_runs
from records.run_folder import RunFolder
from tests.helpers.compared_runs import CLASSES, write_pictures, write_run
from tests.helpers.run_fixtures import ROOT

FILES = ["comparison.csv", "comparison.html", "comparison.json", "disagreements.csv"]


@pytest.fixture(scope="module")
def pictures(tmp_path_factory):
    return write_pictures(tmp_path_factory.mktemp("pictures"), count=60)


@pytest.fixture
def runs(tmp_path, pictures):
    """Three runs: "good" is right but once, "fair" as often but for 8 others, "bad" on a third."""
    wrong = {"good": [0], "fair": [*range(8)], "bad": [*range(20, 60)]}
    return [write_run(tmp_path / "runs" / name, pictures, its) for name, its in wrong.items()]


def compared(*run_dirs, **asked) -> tuple[dict, list[str]]:
    """(comparison.json, the lines for the terminal)."""
    asked = Comparison(run_dirs, **{"time": False} | asked)
    lines = compare(asked, open_compared(asked, run_dirs[0] / "cache"), run_dirs[0] / "cache")
    folder = lines[-1].removeprefix("written to ").rpartition(": ")[0]
    with open(f"{folder}/comparison.json", "rb") as file:
        return json.load(file), lines


def test_two_runs_are_compared_beside_the_first_of_them(runs, tmp_path):
    told, lines = compared(*runs[:2])
    place = tmp_path / "runs" / "good-vs-fair"
    assert sorted(path.name for path in place.iterdir()) == FILES
    assert lines[-1] == f"written to {place}: comparison.csv, comparison.json, comparison.html, disagreements.csv"
    (pair,) = told["pairs"]
    assert (pair["first"], pair["second"], pair["only_first"], pair["only_second"]) == ("good", "fair", 7, 0)
    assert pair["p_value"] == pair["corrected_p_value"] == mcnemar_exact(7, 0)
    assert (pair["better"], told["examples"]) == ("good", 60)
    assert pair["accuracy_difference"] == pytest.approx(7 / 60)
    assert told["conclusion"] == pair["verdict"]
    assert told["runs"][0]["saved_model_bytes"] == 1000
    assert told["runs"][0]["milliseconds_a_picture"] is None
    assert told["class_names"] == list(CLASSES)
    assert any(pair["verdict"] in line for line in lines)
    for name, one in zip(("good", "fair"), told["runs"], strict=True):
        recorded = RunFolder(tmp_path / "runs" / name).results.read()["test"]
        assert {key: one[key] for key in ("accuracy", "accuracy_interval", "examples")} == {
            key: recorded[key] for key in ("accuracy", "accuracy_interval", "examples")
        }
        assert one["loss"] == pytest.approx(recorded["loss"], rel=1e-6)


def test_more_runs_are_corrected_for_and_none_is_the_best_that_is_not(runs, pictures):
    told, lines = compared(*runs)
    assert [(pair["first"], pair["second"]) for pair in told["pairs"]] == [
        ("good", "fair"), ("good", "bad"), ("fair", "bad")]  # fmt: skip
    assert all(pair["corrected_p_value"] >= pair["p_value"] for pair in told["pairs"])
    assert told["conclusion"] == lines[-2] == "good is better than each of the other 2"
    twins, _ = compared(runs[0], write_run(runs[0].parent / "twin", pictures, [0]), runs[2])
    assert twins["pairs"][0]["better"] is None
    assert NO_DIFFERENCE in twins["pairs"][0]["verdict"]
    assert twins["conclusion"].startswith("none is better than each of the others: between good and twin no sig")


def test_the_same_runs_give_the_same_numbers_whatever_stands_beside_them(runs, tmp_path):
    first, _ = compared(*runs[:2])
    again, _ = compared(*runs[:2], out_dir=tmp_path / "again")
    assert {**first, "date": ""} == {**again, "date": ""}
    (turned,) = compared(runs[1], runs[0])[0]["pairs"]
    assert turned["p_value"] == first["pairs"][0]["p_value"]
    for figure in ("accuracy", "loss"):
        low, high = first["pairs"][0][f"{figure}_interval"]
        np.testing.assert_allclose(turned[f"{figure}_interval"], [-high, -low], atol=1e-12)
        three = compared(*runs)[0]["pairs"][0]
        np.testing.assert_allclose(three[f"{figure}_interval"], [low, high], atol=1e-12)


def test_tables_and_page_say_what_the_json_says(runs, tmp_path, pictures):
    told, _ = compared(*runs)
    place = tmp_path / "runs" / "good-vs-fair-vs-bad"
    rows = [*csv.DictReader((place / "comparison.csv").open())]
    assert [(row["run"], float(row["accuracy"])) for row in rows] == [
        (one["name"], one["accuracy"]) for one in told["runs"]
    ]
    found = [*csv.DictReader((place / "disagreements.csv").open())]
    assert {row["path"] for row in found} == {row[0] for row in pictures.rows[1:8] + pictures.rows[20:]} | {
        pictures.rows[0][0]
    }
    page = (place / "comparison.html").read_text()
    assert told["conclusion"] in page
    assert page.count("<figure><img") == 24


def test_the_folder_of_results_is_named_by_the_runs(tmp_path, pictures):
    paths = [write_run(tmp_path / name, pictures) for name in ("x/a", "x/b", "y/a", f"x/{'n' * 200}")]
    runs = open_runs(paths)
    a, b, other, long = runs
    assert folder_name([a, b]) == "a-vs-b"
    assert folder_name([b, a]) == "b-vs-a"
    assert folder_name([a, b], "pets-test-123456") == "a-vs-b-on-pets-test-123456"
    numbered = folder_name([a, other])
    assert numbered.startswith("a-vs-a-")
    assert numbered != folder_name([other, a])
    assert len(folder_name([a, long])) == 127
    assert folder_name([a, long]) != folder_name([a, long], "x")


def test_a_comparison_among_the_runs_is_passed_over_and_that_is_said(runs):
    compared(*runs[:2])
    told, lines = compared(*sorted(runs[0].parent.iterdir()))
    note = "good-vs-fair is a comparison, and no run: passed over"
    assert told["notes"] == [note]
    assert f"note: {note}" in lines
    assert [one["name"] for one in told["runs"]] == ["bad", "fair", "good"]


def test_nothing_of_anybody_elses_is_replaced(runs, tmp_path):
    (tmp_path / "mine").mkdir()
    for name in FILES:
        (tmp_path / "mine" / name).write_text("mine")
        with pytest.raises(UserError, match=f"--out_dir={tmp_path}/mine holds '{name}', which this script did not wr"):
            compared(*runs[:2], out_dir=tmp_path / "mine")
        assert (tmp_path / "mine" / name).read_text() == "mine"
        (tmp_path / "mine" / name).unlink()
    for _ in range(2):  # over its own
        compared(*runs[:2], out_dir=tmp_path / "mine")


def test_no_result_is_written_among_the_pictures(runs, pictures):
    with pytest.raises(UserError, match="lies in the data folder"):
        compared(*runs[:2], out_dir=pictures.root / "out")
    assert not (pictures.root / "out").exists()


def test_runs_of_one_training_are_told(tmp_path, pictures):
    paths = [write_run(tmp_path / name, pictures, weights_sha256="00ff") for name in "ab"]
    told, _ = compared(*paths)
    assert told["notes"] == ["b has the very weights of a"]
    assert NO_DIFFERENCE in told["conclusion"]


def test_pictures_that_are_gone_are_listed_all_the_same(tmp_path):
    pictures = write_pictures(tmp_path / "pictures")
    paths = [write_run(tmp_path / "a", pictures, [1]), write_run(tmp_path / "b", pictures)]
    (tmp_path / "pictures").rename(tmp_path / "moved")
    told, _ = compared(*paths)
    page = (tmp_path / "a-vs-b" / "comparison.html").read_text()
    assert "<img" not in page
    assert "dogs/<wbr>001.<wbr>png" in page
    compared(*paths, data_dir=str(tmp_path / "moved"))
    assert "<img" in (tmp_path / "a-vs-b" / "comparison.html").read_text()
    assert told["notes"] == []


def test_synthetic_pictures_are_said_to_be(tmp_path, pictures):
    paths = [write_run(tmp_path / name, pictures, data_origin="synthetic") for name in "ab"]
    compared(*paths)
    assert "SYNTHETIC DATA" in (tmp_path / "a-vs-b" / "comparison.html").read_text()


def test_strange_values_in_results_do_no_harm(tmp_path, pictures):
    paths = [write_run(tmp_path / name, pictures) for name in "ab"]
    results = json.loads((paths[1] / "results.json").read_text())
    for value in (None, "x", [1], {"a": {}}, -1, 10**40):
        odd = dict.fromkeys(
            ["parameters", "seconds", "device", "versions", "train", "test", "chosen", "data_origin"], value
        )
        durable.write_json(paths[1] / "results.json", results | odd)
        told, _ = compared(*paths)
        assert told["runs"][1]["device"] in (None, value)


def test_comparing_finished_runs_needs_no_tensorflow(runs):
    code = (
        "import sys; from pathlib import Path; from jobs.compare import Comparison, compare, open_compared\n"
        "asked = Comparison([Path(one) for one in sys.argv[1:]], time=False)\n"
        "compare(asked, open_compared(asked, Path('none')), Path('none'))\n"
        "assert not {'tensorflow', 'keras', 'scipy', 'sklearn'} & set(sys.modules)\n"
    )
    subprocess.run([sys.executable, "-c", code, *map(str, runs)], cwd=ROOT, check=True)
    assert not Comparison(runs, time=False).needs_tensorflow
    assert Comparison(runs).needs_tensorflow
    assert Comparison(runs, time=False, folder=ROOT).needs_tensorflow
