"""evaluate.py's slices and suspicious labels of a finished run: whose they are, and which tables are refused."""

import csv
import json
import shutil

import pytest

from cli import evaluate
from tests.helpers.run_fixtures import call_script, finished_run, read_rows, shapes_dir, write_shapes


@pytest.fixture
def call(monkeypatch, capfd):
    return lambda *arguments: call_script(evaluate, list(arguments), monkeypatch, capfd)


def accuracy_of(row: dict) -> tuple[int, int]:
    return int(row["right"]), int(row["examples"])


def test_a_wrong_label_is_found_in_a_folder_and_shown(call, tmp_path):
    root = write_shapes(tmp_path / "new", {"disk": 30, "square": 30, "stripes": 30}, seed=4444)
    for number in range(3):  # disks and stripes that lie among the squares
        shutil.move(root / "disk" / f"{number:04d}{('.jpg', '.png')[number % 2]}", root / "square" / f"disk{number}")
    shutil.copy(root / "disk" / "0010.jpg", root / "stripes" / "copy.jpg")
    done = call(f"--run={finished_run()}", f"--dataset=folder:{root}", f"--out_dir={tmp_path / 'out'}")
    assert done.code == 0, done.stderr
    doubts, rows = (read_rows(tmp_path / "out" / f"{name}.csv") for name in ("suspicious_labels", "predictions"))
    copies = {str(root / "disk" / "0010.jpg"), str(root / "stripes" / "copy.jpg")}
    assert {row["path"] for row in doubts[:2]} == copies
    assert {row["reason"] for row in doubts[:2]} == {"same bytes under another label"}
    wrong = {row["path"] for row in rows if row["label"] != row["prediction"]}
    assert {row["path"] for row in doubts} == wrong | copies
    moved = [row for row in doubts if row["path"].rpartition("/")[2] in ("disk0", "disk1", "disk2")]
    assert moved
    assert {row["label"] for row in moved} == {"square"}
    assert (tmp_path / "out" / "suspicious_labels.png").read_bytes().startswith(b"\x89PNG")
    assert f" of {len(rows)} labels may be wrong; look at them; 2 of " in done.stdout
    written = "confusion.png, report.html, slices.csv, suspicious_labels.csv, suspicious_labels.png"
    assert done.stdout.rstrip().endswith(written)
    page = (tmp_path / "out" / "report.html").read_text()
    assert "square</bdi></strong> (" in page.partition('<section id="suspicious">')[2]
    assert '<section id="slices">' in page
    slices = read_rows(tmp_path / "out" / "slices.csv")
    scores = json.loads((tmp_path / "out" / "scores.json").read_text())
    for column in ("class", "size", "format", "copies", "brightness, 0 to 1", "sharpness, variance of the Laplacian"):
        parts = [accuracy_of(row) for row in slices if row["column"] == column]
        assert sum(examples for _, examples in parts) == len(rows) == scores["examples"], column
        assert sum(right for right, _ in parts) == round(scores["accuracy"] * len(rows)), column
    assert {row["slice"]: int(row["examples"]) for row in slices if row["column"] == "copies"} == {
        "a copy is in the data set": 2, "the only one of its bytes": 89}  # fmt: skip


def test_of_what_the_run_trained_on_no_label_is_doubted(call, tmp_path):
    done = call(f"--run={finished_run()}", "--split=train", f"--out_dir={tmp_path}")
    assert done.code == 0, done.stderr
    assert "labels: not looked at, as the run has learnt those of what it trained on" in done.stdout
    assert read_rows(tmp_path / "suspicious_labels.csv") == []
    assert not (tmp_path / "suspicious_labels.png").exists()
    assert read_rows(tmp_path / "slices.csv")
    assert '<section id="suspicious">' not in (tmp_path / "report.html").read_text()


def test_a_run_says_of_its_test_split_what_evaluate_says(call, tmp_path):
    assert call(f"--run={finished_run()}", f"--out_dir={tmp_path}").code == 0
    ours, theirs = read_rows(tmp_path / "slices.csv"), read_rows(finished_run() / "slices.csv")
    by_name = {(row["column"], row["slice"]): row for row in theirs}
    for row in ours:
        if row["column"] != "copies":  # the run knows of copies in its other splits, too
            same = by_name[row["column"], row["slice"]]
            for name in ("examples", "right", "accuracy", "low", "high"):
                assert row[name] == same[name], (row, same)
    doubts = [row for row in read_rows(finished_run() / "suspicious_labels.csv") if row["left_out_in"] == "test"]
    tested = {row["path"]: row for row in read_rows(finished_run() / "predictions_test.csv")}
    wrong = {path for path, row in tested.items() if row["label"] != row["prediction"]}
    assert {row["path"] for row in doubts} >= wrong
    page = (finished_run() / "report.html").read_text()
    assert 'id="suspicious"' in page
    assert 'id="slices"' in page
    log = finished_run().with_suffix(".log").read_text()
    assert "\nlabels      " in log
    assert "\nslices      " in log


def test_a_table_adds_its_columns(call, tmp_path):
    rows = [row for row in read_rows(finished_run() / "split.csv") if row["split"] == "test"]
    with open(tmp_path / "more.csv", "w", newline="") as file:
        table = csv.writer(file)
        table.writerow(("path", "camera", "depth", "note"))
        for number, row in enumerate(rows[1:]):
            table.writerow((row["path"], "ab"[number % 2], number, f"note {number}"))
    done = call(f"--run={finished_run()}", f"--slices={tmp_path / 'more.csv'}", f"--out_dir={tmp_path / 'out'}")
    assert done.code == 0, done.stderr
    slices = read_rows(tmp_path / "out" / "slices.csv")
    cameras = {row["slice"]: int(row["examples"]) for row in slices if row["column"] == "camera"}
    others = len(rows) - 1
    assert cameras == {"a": -(-others // 2), "b": others // 2, "no value": 1}
    right = {
        row["path"]: row["label"] == row["prediction"] for row in read_rows(finished_run() / "predictions_test.csv")
    }
    first = next(row for row in slices if (row["column"], row["slice"]) == ("camera", "a"))
    assert int(first["right"]) == sum(right[row["path"]] for row in rows[1::2])
    assert sum(int(row["examples"]) for row in slices if row["column"] == "depth") == len(rows)
    assert "note" not in {row["column"] for row in slices}
    assert f"column 'note' has {others} different texts, so it is left out" in done.stdout
    assert "more.csv: 1 pictures are not in it" in done.stdout


@pytest.mark.parametrize(
    ("content", "more", "words"),
    [
        ("path,x\nelse.jpg,1\n", (), ["names none of the", "its first is 'else.jpg'"]),
        ("path\na.jpg\n", (), ["line 1: it names 'path' alone"]),
        (None, (), ["more.csv cannot be read: No such file"]),
        ("path,x\na.jpg,1\n", ("--robustness",), ["--robustness writes no slices"]),
    ],
)
def test_a_table_that_does_not_match_is_one_line(content, more, words, call, tmp_path):
    if content is not None:
        (tmp_path / "more.csv").write_text(content)
    done = call(f"--run={finished_run()}", f"--slices={tmp_path / 'more.csv'}", f"--out_dir={tmp_path / 'out'}", *more)
    assert (done.code, done.stderr.count("\n")) == (2, 1), done.stderr
    assert done.stderr.startswith(f"error: --slices={tmp_path / 'more.csv'}")
    for word in words:
        assert word in done.stderr
    assert not (tmp_path / "out").exists()


def test_a_folder_of_scores_of_before_takes_the_new_files_and_a_strangers_is_refused(call, tmp_path):
    flags = (f"--run={finished_run()}", f"--data_dir={shapes_dir()}", f"--out_dir={tmp_path}")
    assert call(*flags).code == 0
    for name in ("slices.csv", "suspicious_labels.csv"):
        (tmp_path / name).unlink()
    assert call(*flags).code == 0
    (tmp_path / "slices.csv").write_text("mine\n")
    done = call(*flags)
    assert (done.code, done.stderr.count("\n")) == (2, 1)
    assert "holds 'slices.csv', which this script did not write" in done.stderr
