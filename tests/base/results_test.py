"""Where results may be written: into no device, and over nothing of the user's."""

import contextlib
import os
from pathlib import Path

import pytest

from base.errors import UserError
from base.results import ResultFile, ResultFolder


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
    with pytest.raises(UserError, match=words):
        file_at(path).check()
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
            ResultFolder("--out_dir", tmp_path, TABLES, ["c.png"]).check()
    else:
        ResultFolder("--out_dir", tmp_path, TABLES, ["c.png"]).check()
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == there


@pytest.mark.timeout(20, method="thread")  # who opens the pipe waits for ever
def test_what_is_no_file_is_none_of_ours(tmp_path):
    os.mkfifo(tmp_path / "a.csv")
    with pytest.raises(UserError, match=r"holds 'a\.csv'"):
        ResultFolder("--out_dir", tmp_path, TABLES, ["c.png"]).check()
    (tmp_path / "a.csv").unlink()
    (tmp_path / "b.json").symlink_to("nowhere")
    with pytest.raises(UserError, match=r"holds 'b\.json'"):
        ResultFolder("--out_dir", tmp_path, TABLES, ["c.png"]).check()


@pytest.mark.parametrize("kind", [ResultFile, ResultFolder])
def test_only_what_was_left_of_this_file_is_swept(kind, tmp_path):
    kept = [".incomplete-a.csv-b-abcd1234", ".incomplete-z.csv-abcd1234", ".incomplete-a.csv-my_notes_of_it", "a.csv",
            ".replaced-a.csv"]  # fmt: skip
    for name in (*kept, ".incomplete-a.csv-abcd1234"):
        (tmp_path / name).write_text("x")
    (tmp_path / ".incomplete-a.csv-a_folder").mkdir()
    result = ResultFolder("--f", tmp_path, TABLES, []) if kind is ResultFolder else file_at(tmp_path / "a.csv")
    with result.open():
        assert sorted(os.listdir(tmp_path)) == sorted([*kept, ".incomplete-a.csv-a_folder"])


def file_at(path: Path) -> ResultFile:
    return ResultFile("--csv", path, b"path,", "table")


def test_an_error_of_the_writing_names_the_flag(tmp_path):
    (tmp_path / "file").write_text("")
    inside = ResultFolder("--f", tmp_path / "file" / "x", TABLES, [])
    with (
        pytest.raises(UserError, match=r"^--f=.*/x cannot be written: Not a dir.*; give another folder$"),
        inside.open(),
    ):
        pytest.fail("there is no folder")
    full = pytest.raises(UserError, match=r"^--csv=.*/a cannot be written: full; give another file$")
    with full, file_at(tmp_path / "a").open() as path:
        raise OSError(28, "full", path)


def test_a_file_is_made_where_its_link_leads_and_replaces_only_its_like(tmp_path):
    (tmp_path / "link").symlink_to("there")
    file = file_at(tmp_path / "link")
    for content, is_ours in ((None, True), ("path,x", True), ("", True), ("mine", False)):
        if content is not None:
            (tmp_path / "there").write_text(content)
        with contextlib.nullcontext() if is_ours else pytest.raises(UserError, match="is there and is no table: give"):
            file.check()
        with file.open() as path:
            assert path == tmp_path / "there"


def test_nothing_is_written_into_a_saved_model(tmp_path):
    (tmp_path / "saved_model.pb").write_text("")
    for result in (file_at(tmp_path / "a" / "b"), ResultFolder("--f", tmp_path / "a", TABLES, [])):
        with pytest.raises(UserError, match="it lies in a SavedModel, which must stay as it was exported"):
            result.check()
