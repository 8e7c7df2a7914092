"""Whole runs over folders full of odd names and of things that are no files, and over files that change meanwhile."""

import csv
import os
import shutil
import socket
import time
from pathlib import Path

import pytest

from tests.helpers.pictures import encode
from tests.helpers.run_fixtures import SMALL_MODEL, read_rows, run_script, shape_picture, start_script
from tests.pipeline.sources.index_test import ODD_NAMES

NAMES = [
    *ODD_NAMES,
    b"--",
    b"=.png",
    b"'$(x)`;&|",
    b"a" * 255,
    "\u65e5".encode() * 85,
    b"\xff" * 255,
    b"tab\there",
    b"~",
]
CLASSES = (b"disk[1]", b"-square\n")
RUN = (*SMALL_MODEL, "--global_batch_size=8", "--precision=float32")


@pytest.fixture
def tree(tmp_path, monkeypatch) -> bytes:
    """Two oddly named classes of 18 oddly named pictures each, and one of every kind of thing that is no picture."""
    root = os.fsencode(tmp_path / "pictures")
    for label, folder in enumerate(CLASSES):
        os.makedirs(os.path.join(root, folder))
        for number, name in enumerate(NAMES):
            with open(os.path.join(root, folder, name), "wb") as file:
                file.write(encode(shape_picture(("disk", "square")[label], 100 * label + number), "PNG"))
    monkeypatch.chdir(os.path.join(root, CLASSES[0]))
    os.mkfifo("pipe")
    os.symlink("nowhere", "dangling")
    os.symlink("self", "self")
    os.symlink("..", "up")
    os.symlink("/dev/zero", "zero.jpg")
    os.symlink("/dev/full", "full.jpg")
    Path("text\n.jpg").write_text("no picture")
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind("socket")
    return root


REASONS = {
    b"pipe": "not a regular file", b"socket": "not a regular file", b"zero.jpg": "not a regular file",
    b"full.jpg": "not a regular file", b"dangling": "cannot be read: No such file or directory",
    b"self": "cannot be read: Too many levels of symbolic links", b"up": "link to a folder: not followed",
    b"text\n.jpg": "not a picture",
}  # fmt: skip


def paths_of(path) -> set[bytes]:
    """The `path` column of a table, as the bytes of the files."""
    return {os.fsencode(row["path"]) for row in read_rows(path)}


def check_tables(run_dir):
    everything = {folder + b"/" + name for folder in CLASSES for name in NAMES}
    assert paths_of(run_dir / "split.csv") == everything
    tested = {os.fsencode(row["path"]) for row in read_rows(run_dir / "split.csv") if row["split"] == "test"}
    assert paths_of(run_dir / "predictions_test.csv") == tested
    assert len(tested) > 5
    with open(run_dir / "predictions_test.csv", newline="", encoding="utf-8", errors="surrogateescape") as file:
        assert next(csv.reader(file)) == ["path", "label", "prediction", "p(-square\\n)", "p(disk[1])"]
    tables = [read_rows(run_dir / name) for name in ("quarantine.csv", "left_aside.csv")]
    assert [len(table) for table in tables] == [4, 4]  # by the name: what should be a picture is refused
    found = {os.fsencode(row["path"]): row["reason"] for table in tables for row in table}
    assert set(found) == {CLASSES[0] + b"/" + name for name in REASONS}
    for name, reason in REASONS.items():
        assert found[CLASSES[0] + b"/" + name].startswith(reason)


def wait_for(process, words: str) -> None:
    """Returns when the script has said `words`."""
    for line in process.stdout:
        if words in line:
            return
    raise AssertionError(process.stderr.read())


@pytest.fixture
def start():
    """`start_script`; what still runs at the end of the test is killed."""
    started = []
    yield lambda *arguments: started.append(start_script(*arguments)) or started[-1]
    for process in started:
        process.kill()


@pytest.mark.timeout(200)
def test_a_packed_run_needs_its_files_no_more(tree, tmp_path, start):
    arguments = (f"--dataset=folder:{os.fsdecode(tree)}", *RUN, "--epochs=12", f"--run_dir={tmp_path / 'run'}")
    process = start("train.py", *arguments)
    wait_for(process, " 1/12 ")
    shutil.rmtree(tree)
    stdout, stderr = process.communicate(timeout=150)
    assert process.returncode == 0, stderr
    check_tables(tmp_path / "run")
    assert "files of the proof have changed since they were packed: their packed pixels were sent instead" in stdout
    assert (tmp_path / "run" / "saved_model" / "saved_model.pb").exists()
    assert "Traceback" not in stderr


@pytest.mark.timeout(200)
def test_a_streaming_run_stops_at_a_file_that_was_replaced(tree, tmp_path, start):
    arguments = (f"--dataset=folder:{os.fsdecode(tree)}", *RUN, "--epochs=100000", "--cache=none")
    process = start("train.py", *arguments, f"--run_dir={tmp_path / 'run'}")
    wait_for(process, " 1/100000 ")
    path = os.path.join(tree, CLASSES[1], b"with space.jpg")
    os.utime(path, ns=(0, time.time_ns()))
    _, stderr = process.communicate(timeout=150)
    assert process.returncode == 2
    (line,) = [line for line in stderr.splitlines() if "oneDNN" not in line]
    assert line.startswith(r"error: '-square\n/with space.jpg' has changed since this program indexed it (its time of")
    # What was learned is kept: with the file put back, the same command goes on.
    assert list((tmp_path / "run" / "checkpoints").glob("step-*"))


@pytest.mark.slow
def test_a_streaming_run_over_odd_files(tree, tmp_path):
    done = run_script("train.py", f"--dataset=folder:{os.fsdecode(tree)}", *RUN, "--epochs=2", "--cache=none",
                      f"--run_dir={tmp_path / 'run'}")  # fmt: skip
    assert done.code == 0, done.stderr
    check_tables(tmp_path / "run")
