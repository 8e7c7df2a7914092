"""compare.py: what it is told, what it writes, and ten mistakes, each of which is one line."""

import os

import pytest

from cli import compare
from tests.helpers.compared_runs import write_pictures, write_run
from tests.helpers.run_fixtures import call_script

FILES = ["comparison.csv", "comparison.html", "comparison.json", "disagreements.csv"]


@pytest.fixture
def call(monkeypatch, capfd):
    return lambda *arguments: call_script(compare, [*map(str, arguments)], monkeypatch, capfd)


@pytest.fixture
def runs(tmp_path):
    pictures = write_pictures(tmp_path / "pictures")
    return [write_run(tmp_path / "runs" / name, pictures, its) for name, its in (("a", []), ("b", [1, 2]))]


def test_flags_may_stand_before_and_behind_the_runs(runs, call, tmp_path):
    done = call("--notime", *runs, f"--out_dir={tmp_path}/out")
    assert done.code == 0, done.stderr
    assert sorted(os.listdir(tmp_path / "out")) == FILES
    assert done.stdout.startswith("the runs' own test examples: 30 examples, the same for all runs\n")
    assert "no significant difference in accuracy, p 0.5000" in done.stdout
    assert call(*runs, "--notime").code == 0
    assert sorted(os.listdir(runs[0].parent / "a-vs-b")) == FILES


def test_runs_may_be_named_from_home_and_by_odd_names(runs, call, tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    (tmp_path / "~").mkdir()
    runs[0].rename(tmp_path / "~" / "c d\n")
    done = call("--notime", "~/c d\n", "~/runs/b")
    assert done.code == 0, done.stderr
    assert "c d\\n and b: " in done.stdout


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ([], ["no run is given: name two run folders or more", "see --help"]),
        (["{a}"], ["a' is the only run: name two run folders or more"]),
        (["{a}", "{a}"], ["a' is given twice"]),
        (["{a}", "{tmp}/none"], ["none' does not exist: give run folders"]),
        (["{a}", "{tmp}/pictures"], ["pictures' is not a run folder (it has no options.json)"]),
        (["{a}", "{b}", "--split=test"], ["--split is for other pictures", "--dataset=folder:PATH"]),
        (["{a}", "{b}", "--labels_csv=x"], ["--labels_csv is for other pictures", "--dataset=folder:PATH"]),
        (["{a}", "{b}", "--split=tets", "--dataset={tmp}/pictures"], ["unknown --split 'tets'", "did you mean 'test'"]),
        (["{a}", "{b}", "--dataset=catdog"], ["--dataset=catdog", "compare.py takes folder:PATH"]),
        (["{a}", "{b}", "--dataset=folder:x", "--data_dir=y"], ["--data_dir=y: --dataset=folder:x names", "leave one"]),
        (["{a}", "{b}", "--out_dir={tmp}/pictures/x"], ["x' lies in the data folder"]),
        (["{a}", "{b}", "--out_dir={tmp}/file/x"], ["--out_dir=", "cannot be written", "give another folder"]),
        (["{a}", "{b}", "--out_dir={a}/saved_model"], ["it lies in a SavedModel"]),
        (["{a}", "{b}", "--tiem"], ["unknown flag --tiem: did you mean --time?"]),
        (["--run={a}", "{b}"], ["run folders have no flag: compare.py --time=false RUN RUN"]),
    ],
)
def test_mistakes_are_one_line(arguments, words, runs, call, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "file").write_text("")
    before = sorted(tmp_path.rglob("*"))
    done = call(*(argument.format(a=runs[0], b=runs[1], tmp=tmp_path) for argument in arguments))
    assert (done.code, done.stdout) == (2, "")
    assert done.stderr.startswith("error: ")
    assert done.stderr.count("\n") == 1
    for word in words:
        assert word in done.stderr
    assert sorted(tmp_path.rglob("*")) == before
