"""Locks between processes: one at a time, gone with their process, and nothing of a dead one left."""

import os

import pytest

from base import durable, locks
from tests.base.durable_test import names
from tests.helpers.run_fixtures import in_another_process
from tests.helpers.watches import Recording, Silence

# Holds the lock of argv[1] with something begun beside it, until it is killed.
MAKER = """
import sys, time
from pathlib import Path
from base import durable, locks
path = Path(sys.argv[1])
with locks.sole_maker(path, "waiting"), durable.whole_directory(path) as folder:
    (folder / "part").write_text("half")
    print("held", flush=True)
    time.sleep(60)
"""

LOCK = f"made{locks.SUFFIX}"


@pytest.fixture
def maker(tmp_path):
    """Another process in the middle of making tmp_path/made."""
    with in_another_process(MAKER, str(tmp_path / "made")) as process:
        yield process


def make(path, watch=None):
    """What a maker does."""
    with locks.sole_maker(path, "waiting", watch or Silence()):
        durable.write_text(path, "whole")


def test_a_lock_that_is_free_is_held_at_once_and_leaves_no_file(tmp_path):
    make(tmp_path / "deep" / "made")
    assert names(tmp_path / "deep") == ["made"]


def test_a_second_maker_waits_says_so_once_and_goes_on_when_the_first_is_done(tmp_path):
    held, polls = locks.acquire(tmp_path / LOCK), []

    def poll():
        polls.append(names(tmp_path))
        if len(polls) == 3:
            held.close()

    watch = Recording(poll)
    make(tmp_path / "made", watch)
    assert polls == [[LOCK]] * 3
    assert watch.lines == ["waiting"]
    assert names(tmp_path) == ["made"]


def test_a_wait_can_be_ended(tmp_path):
    def stop():
        raise KeyError

    with locks.acquire(tmp_path / LOCK), pytest.raises(KeyError):
        make(tmp_path / "made", Recording(stop))
    assert names(tmp_path) == [LOCK]


def test_a_killed_maker_does_not_block_and_what_it_began_is_removed(maker, tmp_path):
    def kill():
        maker.kill()
        maker.wait()

    watch = Recording(kill)
    (tmp_path / ".incomplete-other-x").write_text("of another maker")
    make(tmp_path / "made", watch)
    assert watch.lines == ["waiting"]
    assert names(tmp_path) == [".incomplete-other-x", "made"]


def test_a_maker_of_something_else_sweeps_for_the_dead_alone(maker, tmp_path):
    make(tmp_path / "other")
    left = names(tmp_path)
    assert left[0].startswith(".incomplete-made-")
    assert left[1:] == [LOCK, "other"]
    maker.kill()
    maker.wait()
    make(tmp_path / "other")
    assert names(tmp_path) == ["other"]


@pytest.mark.parametrize("make_made", [make, lambda path: locks.make_once(path, path.mkdir)])
def test_what_is_not_ours_is_left_alone(make_made, tmp_path):
    others = ["poetry.lock", "made.lock", "0123456789abcdef0123456789abcdef.npz.lock", ".lock", ".incomplete-poetry-x",
              ".incomplete-thesis.doc", ".replaced-thesis"]  # fmt: skip
    for name in others:
        (tmp_path / name).write_text("")
    make_made(tmp_path / "made")
    assert names(tmp_path) == sorted([*others, "made"])


def test_what_is_there_is_not_made_again(tmp_path):
    made = []

    def make():
        made.append(1)
        (tmp_path / "made").mkdir()

    locks.make_once(tmp_path / "made", make, Silence())
    locks.make_once(tmp_path / "made", make, Silence())
    assert (made, names(tmp_path)) == ([1], ["made"])


def test_what_another_process_makes_meanwhile_is_not_made_again(tmp_path, monkeypatch):
    held = locks.acquire(tmp_path / LOCK)

    def other(seconds):
        (tmp_path / "made").mkdir()
        held.close()

    monkeypatch.setattr(locks.time, "sleep", other)
    watch = Recording()
    locks.make_once(tmp_path / "made", lambda: pytest.fail("made again"), watch)
    assert watch.lines == [f"data        another process is writing {tmp_path / 'made'}: waiting for it"]


@pytest.mark.parametrize("replaced", [False, True])
def test_a_lock_file_deleted_while_we_open_it_is_not_believed(tmp_path, monkeypatch, replaced):
    path, flock, calls = tmp_path / "lock", locks.fcntl.flock, []

    def late(file, how):
        calls.append(path)
        if len(calls) == 1:  # its holder deletes it and lets go; perhaps a third process has made it anew
            path.unlink()
            if replaced:
                path.write_text("")
        flock(file, how)

    monkeypatch.setattr(locks.fcntl, "flock", late)
    with locks.acquire(path):
        assert len(calls) == 2
        assert locks.acquire(path) is None


@pytest.mark.parametrize("place", ["file", "file/folder"])
def test_a_folder_that_cannot_hold_a_lock_is_a_write_error(tmp_path, place):
    (tmp_path / "file").write_text("not a folder")
    with pytest.raises(durable.WriteError) as caught:
        make(tmp_path / place / "made")
    assert caught.value.filename == str(tmp_path / place / "made")


def test_a_file_system_without_locks_is_an_error_and_not_a_wait(tmp_path, monkeypatch):
    def unsupported(*_):
        raise OSError(37, "No locks available")

    monkeypatch.setattr(locks.fcntl, "flock", unsupported)
    with pytest.raises(durable.WriteError, match="No locks available"):
        make(tmp_path / "made")
    assert os.listdir(tmp_path) == [LOCK]
