"""Folders that appear whole and are replaced whole: what a reader finds after every kind of interruption."""

import errno
import os
import signal
import subprocess
import sys

import pytest

from base import durable
from tests.base.durable_test import names
from tests.helpers.run_fixtures import ROOT
from tests.helpers.storage import SMALL_DISK_BYTES

# Replaces the folder argv[1], the old way where argv[2] is "aside", and is killed in the call number argv[3] that
# follows.
REPLACE = """
import os, signal, sys
from pathlib import Path
from base import durable
path, way, kill_at = Path(sys.argv[1]), sys.argv[2], int(sys.argv[3])
exchange, replace, calls = durable._exchange, os.replace, []
def counted(function):
    def call(*arguments):
        if len(calls) == kill_at:
            os.kill(os.getpid(), signal.SIGKILL)
        calls.append(1)
        return function(*arguments)
    return call
durable._exchange = (lambda *_: False) if way == "aside" else counted(exchange)
os.replace, durable._remove = counted(replace), counted(durable._remove)
with durable.whole_directory(path) as folder:
    (folder / "file").write_text("new")
print(len(calls))
"""


@pytest.fixture(params=["exchange", "aside"])
def way(request, monkeypatch) -> str:
    """Both ways to replace a folder: one call, and two renames where the system has no such call."""
    if request.param == "aside":
        monkeypatch.setattr(durable, "_exchange", lambda *_: False)
    return request.param


by_way = pytest.mark.usefixtures("way")


def make(path, content="old"):
    """A whole folder at `path` with one file."""
    with durable.whole_directory(path) as folder:
        (folder / "file").write_text(content)
    return path


def replace_in_a_process(path, way: str, kill_at: int) -> tuple[int, str]:
    command = [sys.executable, "-c", REPLACE, str(path), way, str(kill_at)]
    done = subprocess.run(command, check=False, capture_output=True, text=True, cwd=ROOT, timeout=60)
    return done.returncode, done.stdout


def test_a_folder_appears_whole(tmp_path):
    path = tmp_path / "a" / "whole"
    with durable.whole_directory(path) as folder:
        (folder / "deep").mkdir()
        (folder / "deep" / "file").write_text("new")
        assert not path.exists()
    assert (path / "deep" / "file").read_text() == "new"
    assert names(path.parent) == ["whole"]


@pytest.mark.parametrize("error", [RuntimeError, KeyboardInterrupt])
def test_a_folder_that_fails_midway_leaves_the_old_one_and_nothing_else(tmp_path, error):
    path = tmp_path / "whole"
    with durable.whole_directory(path) as folder:
        (folder / "file").write_text("old")

    def write_half():
        with durable.whole_directory(path) as folder:
            (folder / "file").write_text("half")
            raise error

    with pytest.raises(error):
        write_half()
    assert (path / "file").read_text() == "old"
    assert names(tmp_path) == ["whole"]


@by_way
def test_a_folder_replaces_the_old_one(tmp_path):
    for content in ("old", "new"):
        with durable.whole_directory(tmp_path / "whole") as folder:
            (folder / content).write_text(content)
    assert names(tmp_path / "whole") == ["new"]
    assert names(tmp_path) == ["whole"]


def test_the_old_folder_comes_back_when_the_last_rename_fails(tmp_path, monkeypatch):
    monkeypatch.setattr(durable, "_exchange", lambda *_: False)
    path = tmp_path / "whole"
    with durable.whole_directory(path) as folder:
        (folder / "file").write_text("old")
    replace, calls = os.replace, []

    def fail_once(source, target):
        calls.append(target)
        if len(calls) == 2:
            raise OSError(5, "Input/output error")
        replace(source, target)

    monkeypatch.setattr(durable.os, "replace", fail_once)
    with pytest.raises(OSError, match="Input/output"), durable.whole_directory(path) as folder:
        (folder / "file").write_text("new")
    assert (path / "file").read_text() == "old"
    assert names(tmp_path) == ["whole"]


def test_there_is_no_moment_without_the_folder(tmp_path, monkeypatch):
    path = make(tmp_path / "whole")
    seen = []

    def watched(function):
        def call(*paths):
            seen.append(path.exists())
            result = function(*paths)
            seen.append(path.exists())
            return result

        return call

    for name in ("_exchange", "_remove"):
        monkeypatch.setattr(durable, name, watched(getattr(durable, name)))
    monkeypatch.setattr(durable.os, "replace", lambda *_: pytest.fail("the name was given up"))
    make(path, "new")
    assert seen == [True] * 4
    assert (path / "file").read_text() == "new"


@pytest.mark.parametrize(("way", "calls"), [("exchange", 2), ("aside", 3)])
def test_a_kill_anywhere_keeps_the_old_folder_or_the_new_one(tmp_path, way, calls):
    for kill_at in range(calls + 1):
        path = make(tmp_path / str(kill_at) / "whole")
        code, printed = replace_in_a_process(path, way, kill_at)
        assert (code, printed) == ((0, f"{calls}\n") if kill_at == calls else (-signal.SIGKILL, ""))
        durable.remove_leftovers(path.parent)
        assert (path / "file").read_text() in ("old", "new")
        assert names(path.parent) == ["whole"]


def test_the_folder_that_stood_aside_comes_back_for_the_next_write_too(tmp_path):
    path = make(tmp_path / "whole")
    os.replace(path, tmp_path / f"{durable.ASIDE_PREFIX}whole")
    with pytest.raises(KeyError), durable.whole_directory(path):
        raise KeyError
    assert (path / "file").read_text() == "old"
    assert names(tmp_path) == ["whole"]


@pytest.mark.parametrize("number", [errno.EINVAL, errno.ENOSYS])
def test_where_the_kernel_cannot_exchange_names_the_old_way_is_gone(tmp_path, monkeypatch, number):
    monkeypatch.setattr(durable, "_RENAME_EXCHANGE", 1 << 20)  # a flag that no kernel knows: EINVAL
    monkeypatch.setattr(durable.ctypes, "get_errno", lambda: number)
    assert not durable._exchange(make(tmp_path / "a"), make(tmp_path / "b"))
    make(tmp_path / "a", "new")
    assert (tmp_path / "a" / "file").read_text() == "new"
    assert names(tmp_path) == ["a", "b"]


def test_another_failure_of_the_exchange_is_an_error(tmp_path):
    with pytest.raises(FileNotFoundError):
        durable._exchange(tmp_path / "absent", make(tmp_path / "b"))


@by_way
def test_a_file_in_the_folders_place_is_replaced(tmp_path):
    (tmp_path / "whole").write_text("a file")
    assert (make(tmp_path / "whole", "new") / "file").read_text() == "new"
    assert names(tmp_path) == ["whole"]


def test_a_full_disk_is_named_and_the_old_folder_stays(small_disk):
    path = make(small_disk / "whole")
    with pytest.raises(durable.WriteError, match="No space left") as caught, durable.whole_directory(path) as folder:
        (folder / "part").write_bytes(b"x" * SMALL_DISK_BYTES)
    assert caught.value.filename == str(path)
    assert (path / "file").read_text() == "old"
    assert names(small_disk) == ["whole"]


def test_an_error_about_another_file_keeps_its_name(tmp_path):
    with pytest.raises(FileNotFoundError, match="elsewhere"), durable.whole_directory(tmp_path / "in" / "whole"):
        (tmp_path / "elsewhere").read_text()
    assert names(tmp_path / "in") == []


def test_leftovers_of_a_killed_process_are_removed_and_nothing_else(tmp_path):
    (tmp_path / f"{durable.TEMPORARY_PREFIX}file").write_text("half")
    (tmp_path / f"{durable.TEMPORARY_PREFIX}folder" / "deep").mkdir(parents=True)
    (tmp_path / ".hidden").write_text("the user's")
    durable.remove_leftovers(tmp_path)
    assert names(tmp_path) == [".hidden"]


def test_leftovers_of_one_name_are_told_apart(tmp_path):
    for name in ("whole", "whole2"):
        (tmp_path / f"{durable.temporary_prefix(tmp_path / name)}x").mkdir()
    durable.remove_leftovers(tmp_path, durable.temporary_prefix(tmp_path / "whole"))
    assert names(tmp_path) == [".incomplete-whole2-x"]
