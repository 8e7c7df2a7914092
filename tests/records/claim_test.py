"""The run folder: one process at a time, one set of options, nothing of another's touched, nothing left by mistakes."""

import dataclasses
import json
import os

import pytest

from base import durable, locks
from base.errors import UserError
from base.signals import Stopped
from records.claim import claim, claim_new
from tests.helpers.run_fixtures import in_another_process
from tests.helpers.run_folders import OPTIONS, begin, hold
from tests.helpers.storage import read_only

HOLDER = """
import sys, time
from pathlib import Path
from records.claim import claim
with claim(Path(sys.argv[1]), "auto"):
    print("held", flush=True)
    time.sleep(60)
"""


@pytest.fixture
def holder(tmp_path):
    """Another process that holds tmp_path/run."""
    with in_another_process(HOLDER, str(tmp_path / "run")) as process:
        yield process


def test_a_run_is_continued_by_the_same_options(tmp_path):
    path = begin(tmp_path / "deep" / "run")
    with claim(path, "auto") as folder:
        assert folder.adopt(OPTIONS) == json.loads(json.dumps(OPTIONS.to_json()))
        assert folder.results_if_finished() is None
    with claim(path, "must") as folder:
        assert folder.adopt(OPTIONS)


def test_never_refuses_a_run_that_is_there(tmp_path):
    path = begin(tmp_path / "run")
    with pytest.raises(UserError, match=r"--resume=never: .*run' already holds a run; give another --run_dir"):
        hold(path, "never")
    hold(tmp_path / "new", "never")


def test_must_refuses_an_absence_and_makes_nothing(tmp_path):
    with pytest.raises(UserError, match=r"--resume=must: .*run' holds no run to continue; check --run_dir"):
        hold(tmp_path / "run", "must")
    assert os.listdir(tmp_path) == []


def test_an_empty_folder_is_taken(tmp_path):
    (tmp_path / "run").mkdir()
    begin(tmp_path / "run")


@pytest.mark.parametrize("place", ["file", "file/run"])
def test_a_folder_that_cannot_be_written_is_refused(place, tmp_path):
    (tmp_path / "file").write_text("not a folder")
    with pytest.raises(UserError, match=f"--run_dir={tmp_path / place} cannot be written: .*; give another folder"):
        hold(tmp_path / place)
    assert (tmp_path / "file").read_text() == "not a folder"


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_folder_of_somebody_else_is_refused(tmp_path):
    tmp_path.chmod(0o500)
    with pytest.raises(UserError, match="cannot be written: Permission denied"):
        hold(tmp_path / "run")


@pytest.mark.parametrize("known", [False, True])
def test_a_read_only_disk_is_refused_and_left_alone(known, small_disk):
    path = begin(small_disk / "run") if known else small_disk / "run"
    before = sorted(small_disk.rglob("*"))
    with read_only(small_disk), pytest.raises(UserError, match="cannot be written: Read-only file system; give"):
        hold(path)
    assert sorted(small_disk.rglob("*")) == before


def test_a_second_process_is_refused_while_the_first_lives(holder, tmp_path):
    with pytest.raises(UserError, match="run is in use by another run: wait for it, or give another"):
        hold(tmp_path / "run")
    holder.kill()
    holder.wait()
    hold(tmp_path / "run")


def test_a_refused_second_process_takes_nothing_away(holder, tmp_path):
    with pytest.raises(UserError):
        hold(tmp_path / "run")
    assert os.listdir(tmp_path / "run") == [".lock"]


def test_a_new_folder_is_the_first_that_nobody_has(holder, tmp_path):
    begin(tmp_path / "run-2")
    durable.write_text(tmp_path / "run-3" / "notes.txt", "the user's")
    with claim_new(tmp_path / "run") as one, claim_new(tmp_path / "run") as other:
        assert (one.path.name, other.path.name) == ("run-4", "run-5")
    holder.kill()
    holder.wait()
    with claim_new(tmp_path / "run") as folder:
        assert folder.path.name == "run"


@pytest.mark.parametrize("place", ["run", "deep/er/run"])
def test_a_mistake_leaves_no_empty_folder(place, tmp_path):
    def mistake():
        with claim(tmp_path / place, "auto"):
            raise UserError("no such data set")

    with pytest.raises(UserError):
        mistake()
    assert os.listdir(tmp_path) == []


def test_a_mistake_takes_no_folder_away_that_was_there(tmp_path):
    def mistake(path):
        with claim(path, "auto"):
            raise UserError("no such data set")

    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "notes.txt").write_text("precious")
    with pytest.raises(UserError):
        mistake(tmp_path / "other" / "deep" / "run")
    assert os.listdir(tmp_path) == ["other"]
    assert os.listdir(tmp_path / "other") == ["notes.txt"]


def test_a_mistake_in_a_run_that_has_begun_keeps_it(tmp_path):
    def mistake():
        with claim(path, "auto") as folder:
            folder.adopt(dataclasses.replace(OPTIONS, epochs=4))

    path = begin(tmp_path / "run")
    with pytest.raises(UserError):
        mistake()
    assert (path / "options.json").exists()


@pytest.mark.parametrize("ended", [KeyboardInterrupt, MemoryError, Stopped])
def test_whatever_ends_a_run_before_it_is_one_leaves_no_folder(ended, tmp_path):
    def fail():
        with claim(tmp_path / "deep" / "run", "auto"):
            raise ended

    with pytest.raises(ended):
        fail()
    assert os.listdir(tmp_path) == []


def test_a_file_system_without_locks_is_named(tmp_path, monkeypatch):
    def unsupported(*_):
        raise OSError(37, "No locks available")

    monkeypatch.setattr(locks.fcntl, "flock", unsupported)
    with pytest.raises(UserError, match="run cannot be written: No locks available"):
        hold(tmp_path / "run")


def test_what_a_killed_write_left_does_not_block(tmp_path):
    # Killed while options.json was written: nothing but a temporary beside the lock.
    path = tmp_path / "run"
    path.mkdir()
    (path / f"{durable.TEMPORARY_PREFIX}options.json-x1").write_text("{")
    begin(path)
    (path / "checkpoints" / f"{durable.TEMPORARY_PREFIX}x2").mkdir(parents=True)
    with claim(path, "auto") as folder:
        folder.adopt(OPTIONS)
        left = [name for _, folders, files in os.walk(path) for name in folders + files]
    assert sorted(left) == [".lock", "checkpoints", "options.json"]
