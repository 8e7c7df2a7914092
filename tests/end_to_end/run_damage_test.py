"""A run folder in which files are damaged, deleted or planted: finished to the same bits, or refused and left alone."""

import shutil

import pytest
import tensorflow as tf

import jobs.epochs
import jobs.resume
from base import durable
from cli import train
from tests.cli.guard_test import check
from tests.end_to_end.resume_test import damage
from tests.helpers.outcomes import outcome
from tests.helpers.run_fixtures import call_script, finished_run, lively_flags, read_rows


@pytest.fixture
def run_dir(tmp_path):
    """A copy of the finished run, as if it had been stopped before its last file."""
    shutil.copytree(finished_run(), tmp_path / "run")
    (tmp_path / "run" / "results.json").unlink()
    return tmp_path / "run"


@pytest.fixture
def start(run_dir, threads_as_they_are, monkeypatch, capfd):
    """start(*flags) -> how train.py ended, in this process."""
    flags = [*lively_flags("mixed_bfloat16"), f"--run_dir={run_dir}"]
    return lambda *more: call_script(train, [*flags, *more], monkeypatch, capfd)


def contents(run_dir) -> dict:
    return {path.relative_to(run_dir): path.read_bytes() for path in run_dir.rglob("*") if path.is_file()}


def plant(run_dir) -> None:
    """Junk of every kind, and damage to all that a checkpoint can replace."""
    checkpoints = run_dir / "checkpoints"
    (checkpoints / "step-99999999").mkdir()
    (checkpoints / "step-00000080").mkdir()
    (checkpoints / "step-00000080" / "state.json").write_text('{"step": NaN}')
    (checkpoints / "step-00000078").write_text("a file")
    (checkpoints / "notes.txt").write_text("the user's")
    for half in (
        durable.temporary_prefix(run_dir / "saved_model"),
        f"checkpoints/{durable.TEMPORARY_PREFIX}step-00000076-",
    ):
        (run_dir / f"{half}x").mkdir()
        (run_dir / f"{half}x" / "variables.npz").write_bytes(b"half")
    # Killed between the two renames of a file system that cannot exchange names.
    (run_dir / "saved_model").rename(run_dir / f"{durable.ASIDE_PREFIX}saved_model")
    for name in ("history.csv", "predictions_test.csv", "quarantine.csv", "report.html"):
        content = (run_dir / name).read_bytes()
        (run_dir / name).write_bytes(content[: len(content) // 2])
    for name in ("split.csv", "flags.txt"):
        (run_dir / name).unlink()


def test_a_run_full_of_damage_and_junk_goes_on_from_the_newest_whole_checkpoint(run_dir, start):
    assert damage(run_dir) == 75
    plant(run_dir)
    done = start()
    assert done.code == 0, done.stderr
    for name in ("step-99999999", "step-00000080", "step-00000078", "step-00000075"):
        assert done.stdout.count(f"checkpoint {name} is damaged (") == 1
    assert "resume      from step 74, after 2 whole epochs" in done.stdout
    assert outcome(run_dir) == outcome(finished_run())
    assert (run_dir / "flags.txt").read_text() == (finished_run() / "flags.txt").read_text()
    assert (run_dir / "report.html").read_text().endswith("</html>")
    assert len(read_rows(run_dir / "history.csv")) == 3
    assert (run_dir / "checkpoints" / "notes.txt").read_text() == "the user's"
    assert not [path for path in run_dir.rglob(".*") if path.name != ".lock"]


def stop_in_the_last_step(run_dir, do, patch) -> None:
    """Has the run go on from step 74 and call `do` in its one step."""
    shutil.rmtree(run_dir / "checkpoints" / "step-00000075")

    def make(*arguments):
        train_step = make_train_step(*arguments)
        return lambda *batch: (train_step(*batch), do())

    make_train_step = jobs.epochs.make_train_step
    patch.setattr(jobs.epochs, "make_train_step", make)


def test_a_run_whose_folder_is_moved_stops_and_goes_on_when_it_is_back(run_dir, start, tmp_path, monkeypatch):
    with monkeypatch.context() as patch:
        stop_in_the_last_step(run_dir, lambda: run_dir.rename(tmp_path / "moved"), patch)
        check(start(), [f"the run folder {str(run_dir)!r} is not there any more", "put it back", "the same command"])
    assert not run_dir.exists()
    (tmp_path / "moved").rename(run_dir)
    assert start().code == 0
    assert outcome(run_dir) == outcome(finished_run())


def test_too_little_memory_is_one_line(run_dir, start, monkeypatch):
    def exhaust():
        raise tf.errors.ResourceExhaustedError(None, None, "OOM when allocating tensor with shape[9,9]\nmore\nlines")

    stop_in_the_last_step(run_dir, exhaust, monkeypatch)
    check(start(), ["not enough memory", "--global_batch_size=8 at --image_size=16", "shape[9,9]): lower one of them"])


def test_another_version_is_refused_and_changes_nothing(run_dir, start, monkeypatch):
    known = jobs.resume.versions()
    monkeypatch.setattr(jobs.resume, "versions", lambda: known | {"keras": "99.1"})
    before = contents(run_dir)
    check(start(), ["cannot be continued to the same result", f"versions.keras: {known['keras']} -> 99.1"])
    assert contents(run_dir) == before


def test_a_run_without_a_whole_checkpoint_is_refused_and_changes_nothing(run_dir, start):
    for path in run_dir.glob("checkpoints/step-*/variables.npz"):
        path.write_bytes(path.read_bytes()[:-1])
    before = contents(run_dir)
    check(start(), ["none of the ", f"{str(run_dir / 'checkpoints')!r}", "step-00000075", "put one back", "delete"])
    assert contents(run_dir) == before


def test_never_and_must_leave_what_is_there(run_dir, start):
    before = contents(run_dir)
    check(start("--resume=never"), ["--resume=never", "already holds a run"])
    (run_dir / "options.json").rename(run_dir / "options.txt")
    check(start("--resume=must"), ["--resume=must", "holds no run to continue"])
    check(start(), ["holds other files and no run"])
    (run_dir / "options.txt").rename(run_dir / "options.json")
    assert contents(run_dir) == before
