"""Where results may be written: into no device, and over nothing of the user's."""

import os
from pathlib import Path

import pytest

from base.errors import UserError
from base.places import check_results, check_writable, naming, sweep


@pytest.mark.timeout(20, method="thread")  # who opens the pipe waits for ever
@pytest.mark.parametrize("link", [False, True])
@pytest.mark.parametrize("kind", ["pipe", "device"])
def test_a_device_or_a_pipe_is_refused_and_stays(kind, link, tmp_path):
    there = tmp_path / "there" if kind == "pipe" else Path(os.devnull)
    if kind == "pipe":
        os.mkfifo(there)
    path = tmp_path / "link" if link else there
    if link:
        path.symlink_to(there)
    words = "cannot be written: it is a device or a pipe, and no regular file; give another file"
    with pytest.raises(UserError, match=words), naming("--csv", path, "file"):
        check_writable(path)
    assert there.exists()
    assert not there.is_file()


TABLES = {"a.csv": b"path,", "b.json": b'{"x"'}
OURS = {"a.csv": b"path,x\n", "b.json": b'{"x": 1}', "c.png": b"\x89PNG"}


@pytest.mark.parametrize(
    ("there", "strange"),
    [
        ({}, None),
        (OURS, None),
        (OURS | {"theirs.png": b"\x89PNG"}, None),
        ({"a.csv": OURS["a.csv"]}, None),  # a run of ours that was interrupted
        ({"a.csv": b""}, None),
        ({"a.csv": b"my,own\n"}, "a.csv"),
        ({"a.csv": b"path\n"}, "a.csv"),
        (OURS | {"b.json": b"[1]"}, "b.json"),
        ({"c.png": OURS["c.png"]}, "c.png"),
        ({"a.csv": OURS["a.csv"], "c.png": OURS["c.png"]}, "c.png"),
    ],
)
def test_results_replace_nothing_but_ours(there, strange, tmp_path):
    for name, content in there.items():
        (tmp_path / name).write_bytes(content)
    if strange:
        words = f"--out_dir={tmp_path} holds '{strange}', which this script did not write: give an empty or a new"
        with pytest.raises(UserError, match=words):
            check_results("--out_dir", tmp_path, TABLES, ["c.png"])
    else:
        check_results("--out_dir", tmp_path, TABLES, ["c.png"])
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == there


@pytest.mark.timeout(20, method="thread")  # who opens the pipe waits for ever
def test_what_is_no_file_is_none_of_ours(tmp_path):
    os.mkfifo(tmp_path / "a.csv")
    with pytest.raises(UserError, match=r"holds 'a\.csv'"):
        check_results("--out_dir", tmp_path, TABLES, ["c.png"])
    (tmp_path / "a.csv").unlink()
    (tmp_path / "b.json").symlink_to("nowhere")
    with pytest.raises(UserError, match=r"holds 'b\.json'"):
        check_results("--out_dir", tmp_path, TABLES, ["c.png"])


def test_only_what_was_left_of_this_file_is_swept(tmp_path):
    kept = [".incomplete-a.csv-b-abcd1234", ".incomplete-b.csv-abcd1234", ".incomplete-a.csv-my_notes_of_it", "a.csv",
            ".replaced-a.csv"]  # fmt: skip
    for name in (*kept, ".incomplete-a.csv-abcd1234"):
        (tmp_path / name).write_text("x")
    (tmp_path / ".incomplete-a.csv-a_folder").mkdir()
    sweep(tmp_path / "a.csv")
    assert sorted(os.listdir(tmp_path)) == sorted([*kept, ".incomplete-a.csv-a_folder"])
    sweep(tmp_path / "none" / "a.csv")
