"""A disk that is full, may not be written or fails: one line, exit code 2, nothing half-written; then the same bits."""

import contextlib
import errno
import os
import shutil

import pytest

import jobs.finish
import training.loop
from base import durable
from cli import train
from tests.cli.guard_test import check
from tests.helpers.outcomes import outcome
from tests.helpers.run_fixtures import call_script, finished_run, lively_flags, session_dir
from tests.helpers.storage import SMALL_DISK_BYTES, disk, file_size_limit, grow, read_only, temporaries

TABLES = ("options.json", "flags.txt", "split.csv", "history.csv", "predictions_test.csv", "quarantine.csv",
          "left_aside.csv", "suspicious_labels.csv", "slices.csv", "results.json", "model_card.md",
          "report.html")  # fmt: skip


@pytest.fixture
def start(threads_as_they_are, monkeypatch, capfd):
    """start(run_dir, *flags) -> how train.py ended, in this process."""

    def run(run_dir, *more):
        done = call_script(train, [*lively_flags("mixed_bfloat16"), f"--run_dir={run_dir}", *more], monkeypatch, capfd)
        assert temporaries(run_dir, session_dir() / "cache") == []
        return done

    return run


def steps_of(run_dir) -> list[str]:
    folder = run_dir / "checkpoints"
    return sorted(os.listdir(folder)) if folder.is_dir() else []


def limit(patch, module, name, from_call, size_bytes) -> None:
    """No file may grow above `size_bytes` while module.name runs, from its call number `from_call` on."""
    function, calls = getattr(module, name), []

    def limited(*arguments):
        calls.append(name)
        with file_size_limit(size_bytes) if len(calls) >= from_call else contextlib.nullcontext():
            return function(*arguments)

    patch.setattr(module, name, limited)


def test_a_limit_on_a_files_size_stops_checkpoint_and_export_and_costs_no_bit(start, tmp_path, monkeypatch):
    run_dir = tmp_path / "run"
    with monkeypatch.context() as patch:
        limit(patch, training.loop, "save_checkpoint", 3, 5_000)
        check(start(run_dir), [f"'{run_dir}/checkpoints/step-00000006' cannot be written (File too large)",
                               "ulimit -f", "give the same command again"])  # fmt: skip
    assert steps_of(run_dir) == ["step-00000002", "step-00000004"]
    with monkeypatch.context() as patch:
        limit(patch, jobs.finish, "export_model", 1, 30_000)
        done = start(run_dir)
    check(done, [f"'{run_dir}/saved_model' cannot be written (File too large)", "give the same command again"])
    assert "resume      from step 4" in done.stdout
    assert steps_of(run_dir)[-1] == "step-00000075"
    assert not (run_dir / "saved_model").exists()
    done = start(run_dir)
    assert done.code == 0, done.stderr
    assert "resume      from step 75" in done.stdout
    assert outcome(run_dir) == outcome(finished_run())


@pytest.mark.slow
def test_a_disk_that_fills_up_again_and_again_costs_no_bit(start, tmp_path):
    failed, size = [], 64 << 10
    with disk(tmp_path / "disk", size) as mounted:
        if not mounted:
            pytest.skip("mounting a small disk needs root")
        run_dir = tmp_path / "disk" / "run"
        while (done := start(run_dir)).code:
            check(done, ["cannot be written (No space left on device)", "free some space", "the same command again"])
            failed.append(done.stderr.split("'")[1].removeprefix(f"{run_dir}/").split("/")[0])
            size += 256 << 10  # more than the event files that a start adds
            grow(tmp_path / "disk", size)
            assert size < 8 << 20
        assert {"checkpoints", "saved_model", "report.html"} <= set(failed)
        assert outcome(run_dir) == outcome(finished_run())


@pytest.mark.slow
@pytest.mark.parametrize("name", TABLES)
def test_a_table_that_cannot_be_written_is_named_and_written_by_the_next_start(name, start, tmp_path, monkeypatch):
    run_dir = tmp_path / "run"
    shutil.copytree(finished_run(), run_dir)
    before = outcome(run_dir)
    (run_dir / "results.json").unlink()  # as if the run had been stopped before its end
    replace = os.replace

    def fail(source, target):
        if os.path.basename(target) == name:
            raise OSError(errno.EIO, "Input/output error")
        replace(source, target)

    with monkeypatch.context() as patch:
        patch.setattr(durable.os, "replace", fail)
        check(start(run_dir), [f"'{run_dir / name}' cannot be written (Input/output error)", "check the disk"])
    assert start(run_dir).code == 0
    assert outcome(run_dir) == before


def test_a_read_only_run_folder_is_refused_before_a_file_is_read(start, small_disk, monkeypatch):
    def explode(*_):
        raise AssertionError("the pictures were looked for")

    monkeypatch.setattr("pipeline.sources.catalog.open_catalog", explode)
    with read_only(small_disk):
        check(start(small_disk / "run"), [f"--run_dir={small_disk / 'run'} cannot be written: Read-only file system"])


def test_a_pack_that_is_asked_for_needs_a_cache_that_can_be_written(start, small_disk, tmp_path):
    with read_only(small_disk):
        done = start(tmp_path / "run", "--cache=pack", f"--cache_dir={small_disk / 'cache'}")
    check(done, ["--cache=pack", f"'{small_disk / 'cache'}' (Read-only file system)", "--cache=none"])
    assert not (tmp_path / "run").exists()


@pytest.mark.slow
@pytest.mark.parametrize("fault", ["read-only", "full"])
def test_a_run_does_without_a_cache_that_takes_nothing(fault, start, small_disk, tmp_path):
    if fault == "full":
        with contextlib.suppress(OSError):
            (small_disk / "filler").write_bytes(b"x" * 2 * SMALL_DISK_BYTES)
    with read_only(small_disk) if fault == "read-only" else contextlib.nullcontext():
        done = start(tmp_path / "run", f"--cache_dir={small_disk / 'cache'}")
    assert done.code == 0, done.stderr
    reason = {"read-only": "Read-only file system", "full": "No space left on device"}[fault]
    lines = done.stdout.splitlines()
    assert sum(line.startswith("index       warning: not kept") and reason in line for line in lines) == 1
    assert sum(line.startswith("cache       none: ") for line in lines) == 1
    assert any(line.startswith("cache       none: warning, ") and reason in line for line in lines) or fault == "full"
    assert outcome(tmp_path / "run") == outcome(finished_run())
