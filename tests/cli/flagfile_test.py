"""Flagfiles as editors and shells write them."""

import os

import pytest

from base.errors import UserError
from cli.flagfile import expand

TEXT = "--epochs=3\r\n# a comment\r\n\r\n  --dataset=folder:Bäume  \r\n// another\n--full_train"
LINES = ["--epochs=3", "--dataset=folder:Bäume", "--full_train"]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be"])
@pytest.mark.parametrize("mark", ["", "\ufeff"])
def test_every_encoding_gives_the_same_lines(encoding, mark, tmp_path):
    content = (mark if encoding in ("utf-16-le", "utf-16-be") else "") + TEXT
    (tmp_path / "flags.txt").write_bytes(content.encode(encoding))
    given = [f"--flagfile={tmp_path / 'flags.txt'}", "--seed=4"]
    assert [*expand(given)] == [*LINES, "--seed=4"]


@pytest.mark.parametrize("form", [["--flagfile=~/f"], ["--flagfile", "~/f"], ["-flagfile=~/f"], ["-flagfile", "~/f"]])
def test_home_is_home_and_every_way_to_write_it_is_taken(form, tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    (tmp_path / "f").write_text("--seed=4\r--epochs=2\r")
    assert [*expand(["--a=1", *form, "--b"])] == ["--a=1", "--seed=4", "--epochs=2", "--b"]


def test_one_may_name_another_but_not_itself(tmp_path):
    os.symlink(tmp_path / "outer", tmp_path / "link")
    (tmp_path / "outer").write_text(f"--a=1\n--flagfile={tmp_path / 'inner'}\n--flagfile={tmp_path / 'inner'}\n")
    (tmp_path / "inner").write_text("--b=2")
    assert [*expand([f"--flagfile={tmp_path / 'outer'}"])] == ["--a=1", "--b=2", "--b=2"]
    (tmp_path / "inner").write_text(f"--flagfile={tmp_path / 'link'}")
    with pytest.raises(UserError, match=r"link reads itself: take that line out of '.*inner'"):
        [*expand([f"--flagfile={tmp_path / 'outer'}"])]


def test_behind_two_hyphens_stand_names_of_files():
    assert [*expand(["--run=x", "--", "--flagfile=y"])] == ["--run=x", "--", "--flagfile=y"]


@pytest.mark.parametrize(
    ("given", "words"),
    [
        (["--flagfile={tmp}/none"], "none cannot be read: No such file or directory"),
        (["--flagfile={tmp}"], "cannot be read: Is a directory"),
        (["--flagfile="], "names no file: write --flagfile=FILE"),
        (["--flagfile"], "names no file: write --flagfile=FILE"),
        (["--flagfile={tmp}/latin"], "latin is no text in UTF-8 (line 2): save it as UTF-8"),
        (["--flagfile={tmp}/quoted"], """takes the quotes away from '--run_dir="my runs"': write it without them"""),
        (["--flagfile={tmp}/odd"], "odd is no text in UTF-8 (line 1): save it as UTF-8"),
    ],
)
def test_what_cannot_be_read_is_named(given, words, tmp_path):
    (tmp_path / "latin").write_bytes("--seed=1\n--dataset=folder:Bäume".encode("latin-1"))
    (tmp_path / "quoted").write_text('--seed=1\n--run_dir="my runs" \n')
    (tmp_path / "odd").write_bytes(b"\xff\xfe-\0-")  # half a letter of UTF-16
    with pytest.raises(UserError) as caught:
        [*expand([argument.format(tmp=tmp_path) for argument in given])]
    assert str(caught.value).endswith(words)
