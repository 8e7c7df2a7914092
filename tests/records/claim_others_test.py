"""What lies in a run folder and is not the run's: left alone, or refused before anything is written."""

import contextlib
import dataclasses
import os
from pathlib import Path

import pytest

from base import durable
from base.errors import UserError
from records.claim import claim
from records.run_folder import FILES, FOLDERS
from tests.helpers.run_folders import OPTIONS, begin, hold


def test_a_folder_with_other_files_is_refused_and_left_alone(tmp_path):
    (tmp_path / "thesis.tex").write_text("precious")
    with pytest.raises(UserError, match=r"holds other files and no run: give an empty or a new folder"):
        hold(tmp_path)
    assert os.listdir(tmp_path) == ["thesis.tex"]


@pytest.mark.parametrize("name", [".lock", ".incomplete-thesis.doc", ".replaced-thesis", ".git"])
def test_hidden_files_of_the_users_are_other_files_too(name, tmp_path):
    (tmp_path / name).write_text("precious")
    with pytest.raises(UserError, match=r"holds other files and no run"):
        hold(tmp_path)
    assert (tmp_path / name).read_text() == "precious"


def test_a_lock_that_another_takes_away_meanwhile_is_no_file_of_the_users(tmp_path, monkeypatch):
    monkeypatch.setattr(Path, "iterdir", lambda path: iter([path / ".lock"]))
    hold(tmp_path)


def test_a_run_may_begin_where_a_range_test_has_left_its_files(tmp_path):
    for name in ("learning_rate_range.csv", "learning_rate_range.png"):
        (tmp_path / name).write_text("of a range test")
    hold(tmp_path)
    (tmp_path / "results.json").write_text("of a run, whose options are gone")
    with pytest.raises(UserError, match=r"holds other files and no run"):
        hold(tmp_path)


@pytest.mark.parametrize("options", [OPTIONS, dataclasses.replace(OPTIONS, epochs=9)])
def test_what_is_not_the_runs_stays_in_its_folder(options, tmp_path):
    path = begin(tmp_path / "run")
    precious, ours = ".incomplete-thesis.doc", f"{durable.TEMPORARY_PREFIX}history.csv-x1"
    for name in (precious, ours, ".lock"):
        (path / name).write_text("of a size")
    with claim(path, "auto") as folder, contextlib.suppress(UserError):
        folder.adopt(options)
    # A folder whose options are another program's is left as it is altogether.
    kept = [precious] if options == OPTIONS else [precious, ours]
    assert sorted(os.listdir(path)) == sorted([*kept, ".lock", "options.json"])
    assert (path / ".lock").read_text() == "of a size"


@pytest.mark.parametrize("cache", ["run/cache", "run/deep/er/cache", "link/cache", "elsewhere"])
def test_a_cache_in_the_run_folder_does_not_keep_a_run_out(cache, tmp_path):
    (tmp_path / "link").symlink_to(tmp_path / "run")
    cache_dir = tmp_path / cache
    with contextlib.suppress(KeyboardInterrupt), claim(tmp_path / "run", "auto", cache_dir):
        (cache_dir / "packs").mkdir(parents=True)
        raise KeyboardInterrupt
    assert (cache_dir / "packs").is_dir()
    with claim(tmp_path / "run", "auto", cache_dir) as folder:
        assert folder.adopt(OPTIONS) == {}


def test_beside_a_cache_in_the_run_folder_other_files_are_still_others(tmp_path):
    (tmp_path / "cache").mkdir()
    (tmp_path / "thesis.tex").write_text("precious")
    with pytest.raises(UserError, match="holds other files"):
        hold(tmp_path, cache_dir=tmp_path / "cache")
    (tmp_path / "thesis.tex").unlink()
    with pytest.raises(UserError, match="holds other files"):
        hold(tmp_path, cache_dir=tmp_path.parent / "cache")


@pytest.mark.parametrize("cache", ["", ".lock", "saved_model", "checkpoints/cache", "options.json", "cache/.."])
def test_a_cache_among_the_runs_own_files_is_refused(cache, tmp_path):
    with pytest.raises(UserError, match=r"^--cache_dir=.* is the run folder, or .*: give another, as .*run/cache$"):
        hold(tmp_path / "run", cache_dir=tmp_path / "run" / cache)
    assert os.listdir(tmp_path) == []


@pytest.mark.parametrize("name", [*FILES, *FOLDERS])
def test_what_stands_in_the_way_of_the_runs_files_is_told_at_the_start(name, tmp_path):
    path = begin(tmp_path / "run")
    (path / name).unlink(missing_ok=True)
    if name in FILES:
        (path / name).mkdir()
    else:
        (path / name).write_text("precious")
    words = "a folder, where the run writes a file" if name in FILES else "a file, where the run writes a folder"
    with pytest.raises(UserError, match=rf"run/{name}' is {words}: give it another name, or give another --run_dir$"):
        hold(path)
    assert (path / name).exists()
