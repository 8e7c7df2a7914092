"""Paths on the command line: refused by the system, under the user's home, or the same for two runs."""

import errno
import os
import pwd
from pathlib import Path

import pytest

from base import locks
from base.errors import UserError
from cli import guard, paths, train
from tests.cli.guard_test import check
from tests.helpers.run_fixtures import call_script, write_shapes


@pytest.fixture
def call(monkeypatch, capfd, tmp_path):
    """Runs train.py in this process, from an empty folder, as far as its pictures."""
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    return lambda *arguments: call_script(train, list(arguments), monkeypatch, capfd)


@pytest.fixture
def home(tmp_path, monkeypatch):
    """The user's home, with a folder of one class in it."""
    write_shapes(tmp_path / "home" / "one", {"disk": 3})
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    return tmp_path / "home"


@pytest.mark.parametrize("number", [errno.EACCES, errno.ENAMETOOLONG, errno.EIO])
def test_a_path_that_the_system_refuses_is_named(number, capsys):
    def refused(*_):
        raise OSError(number, os.strerror(number), b"/data/a b")

    with pytest.raises(SystemExit) as caught:
        guard.call(refused, [])
    line = f"error: '/data/a b' cannot be used: {os.strerror(number)}; check the path and its permissions\n"
    assert (caught.value.code, capsys.readouterr().err) == (2, line)


@pytest.mark.parametrize("error", [OSError(errno.EACCES, "of no file"), FileNotFoundError(2, "ours", "a file of ours")])
def test_a_fault_of_ours_is_not_taken_for_the_users(error):
    def fail(*_):
        raise error

    with pytest.raises(OSError, match=r"ours|of no file"):
        guard.call(fail, [])


def test_home_is_home_wherever_a_path_is_given(call, home):
    check(call("--dataset=folder:~/one", "--run_dir=~/r"), [f"'{home}/one' holds one class folder"])
    check(call("--dataset=folder:~/two", "--run_dir=~"), [f"--run_dir={home} holds other files"])
    check(call("--dataset=catdog", "--data_dir=~/none"), [f"'{home}/none/train/cats'"])
    assert [paths.expand_home(text) for text in ("a~", "folder:b/~")] == ["a~", "folder:b/~"]
    assert os.listdir() == []
    assert os.listdir(home) == ["one"]


def test_runs_that_begin_in_one_second_have_folders_of_their_own(call, home, monkeypatch):
    monkeypatch.setattr(train, "default_run_dir", lambda dataset: Path("runs") / "now")
    Path("runs/now").mkdir(parents=True)
    with locks.acquire(Path("runs/now/.lock")):
        # As far as the pictures, of which there are too few kinds.
        check(call(f"--dataset=folder:{home / 'one'}"), ["one class folder"])
    assert os.listdir("runs") == ["now"]


def test_the_cache_may_lie_in_the_run_folder(call, home):
    for _ in range(2):  # the second time it is there, and no run
        check(call(f"--dataset=folder:{home / 'one'}", "--run_dir=r", "--cache_dir=r/cache"), ["one class folder"])
    assert os.listdir("r") == ["cache"]
    check(call(f"--dataset=folder:{home / 'one'}", "--run_dir=r", "--cache_dir=r"), ["--cache_dir=r is the run folder"])


def test_a_user_without_a_home_is_asked_for_a_cache(monkeypatch):
    def nobody(_):
        raise KeyError

    monkeypatch.setattr(pwd, "getpwuid", nobody)
    monkeypatch.delenv("HOME")
    monkeypatch.setenv("XDG_CACHE_HOME", "")
    with pytest.raises(UserError, match="give --cache_dir, or set HOME"):
        paths.cache_dir(None)
