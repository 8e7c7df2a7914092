"""A stranger's run folder, read by evaluate.py: whatever stands in its files is one line."""

import json
import shutil

import numpy as np
import pytest

from base.errors import UserError
from cli import evaluate
from records.run_folder import RunFolder
from tests.helpers.run_fixtures import SHAPES, call_script, finished_run

HEADER = "path,label,split,sha256\n"
ROW = "disk/0001.png,disk,test,00\n"
OPTIONS = '{"data": {"dataset": "folder:a", "data_dir": ""}}'
VALUES = (None, True, -1, 10**400, 1e308, float("nan"), "", "\ud800", "a\0b", "x" * 100_000, [], ["a"], {}, {"a": {}})


def write_run(folder, options: str, split: str):
    (folder / "options.json").write_text(options, errors="surrogatepass")
    (folder / "split.csv").write_text(split, errors="surrogatepass")
    return folder


def refusal(folder) -> str:
    with pytest.raises(UserError) as caught:
        RunFolder(folder).examples_of("test", SHAPES)
    return str(caught.value)


def test_a_good_folder_is_read(tmp_path):
    write_run(tmp_path, OPTIONS, HEADER + ROW + ROW.replace("test", "train"))
    dataset, data_dir, rows = RunFolder(tmp_path).examples_of("test", SHAPES)
    assert (dataset, data_dir) == ("folder:a", "")
    assert [row.path for row in rows] == ["disk/0001.png"]


@pytest.mark.parametrize(
    "options",
    ["", "{", "null", "3", '"text"', "[]", "{}", '{"dataset": "catdog"}', '{"data": 3}', '{"dataset": 1' + 5000 * "0"],
    ids=lambda text: text[:25],
)  # fmt: skip
def test_options_that_are_none_are_refused(options, tmp_path):
    assert "is not a run folder" in refusal(write_run(tmp_path, options, HEADER + ROW))


@pytest.mark.parametrize("key", ["dataset", "data_dir"])
@pytest.mark.parametrize("value", VALUES, ids=lambda value: repr(value)[:20])
def test_any_value_is_taken_or_refused(key, value, tmp_path):
    options = {"dataset": "folder:a", "data_dir": ""} | {key: value}
    write_run(tmp_path, json.dumps({"data": options}), HEADER + ROW)
    if isinstance(value, str) and value != "\ud800":
        RunFolder(tmp_path).examples_of("test", SHAPES)
    else:
        assert "is not a run folder" in refusal(tmp_path)


@pytest.mark.parametrize(
    ("split", "words"),
    [
        ("", "is not a run folder (split.csv has no column 'path')"),
        (HEADER, "--split=test: this run has no example in it"),
        ("path,split\na,test\n", "is not a run folder"),
        (HEADER + "disk/1.png,disk,train,\n", "no example in it"),
        (HEADER + "disk/1.png,disk\n", "is not a run folder (split.csv has 4 columns and a row of 2 fields)"),
        ("label,split,path\ndisk,test\n", "3 columns and a row of 2 fields"),
        (HEADER + "x" * 200_000 + ",disk,test,\n", "is not a run folder"),
        (HEADER + "/etc/hostname,disk,test,\n", "'/etc/hostname', which is not under the data folder"),
        (HEADER + "disk/../../secret.png,disk,test,\n", "which is not under the data folder"),
        (HEADER + ROW + "a.png,cats,test,\n", "has the label 'cats', the model knows disk, square, stripes"),
    ],
)
def test_tables_that_are_none_are_refused(split, words, tmp_path):
    assert words in refusal(write_run(tmp_path, OPTIONS, split))


def test_bytes_at_random_are_taken_or_refused(tmp_path):
    generator = np.random.default_rng(1)
    sound = {"options.json": (finished_run() / "options.json").read_bytes(),
             "split.csv": (finished_run() / "split.csv").read_bytes()[:2000]}  # fmt: skip
    refusals = []
    for _ in range(200):
        for name, content in sound.items():
            mutated = bytearray(content)
            for place in generator.integers(0, len(content), int(generator.integers(0, 4))):
                mutated[place] = generator.integers(0, 256)
            (tmp_path / name).write_bytes(mutated)
        try:
            RunFolder(tmp_path).examples_of("train", SHAPES)
        except UserError as error:
            refusals.append(str(error))
    assert 0 < len(refusals) < 200
    assert max(map(len, refusals)) < 1000


def test_a_table_that_lost_a_column_is_refused(tmp_path):
    rows = (finished_run() / "split.csv").read_text().replace("sha256", "checksum", 1)
    folder = write_run(tmp_path, (finished_run() / "options.json").read_text(), rows)
    assert "is not a run folder (split.csv has no column 'sha256')" in refusal(folder)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"dataset": ["folder:x"]}, "is not a run folder"),
        ({"dataset": "nonsense"}, "unknown dataset 'nonsense'"),
        ({"dataset": "folder:a\0b"}, "is not there any more"),
        ({"dataset": "tfds:huggingface:a"}, "a program from the net"),
        ({"dataset": "catdog", "data_dir": "/nowhere"}, "is not a folder"),
    ],
)
def test_evaluate_says_it_in_one_line(options, words, tmp_path, monkeypatch, capfd):
    good = json.loads((finished_run() / "options.json").read_text())
    write_run(tmp_path, json.dumps(good | {"data": good["data"] | options}), (finished_run() / "split.csv").read_text())
    shutil.copytree(finished_run() / "saved_model", tmp_path / "saved_model")
    done = call_script(evaluate, [f"--run={tmp_path}"], monkeypatch, capfd)
    assert done.code == 2, done.stderr
    assert done.stderr.startswith("error: ")
    assert done.stderr.count("\n") == 1
    assert words in done.stderr
