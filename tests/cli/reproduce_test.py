"""reproduce.py on a run that was trained: the same bits, exit code 0; other bits, 1; a mistake, 2."""

import os
import shutil

import pytest

from cli import reproduce
from records.run_folder import RunFolder
from tests.helpers.run_fixtures import call_script, finished_run, run_script


def everything_in(path) -> dict:
    """(size, time of change) of every file below."""
    return {str(one): (one.stat().st_size, one.stat().st_mtime_ns) for one in path.rglob("*") if one.is_file()}


def test_a_run_is_trained_again_to_the_same_bits_and_its_folder_stays(tmp_path):
    before = everything_in(finished_run())
    done = run_script("reproduce.py", f"--run={finished_run()}", TMPDIR=str(tmp_path))
    assert (done.code, done.stderr) == (0, "")
    for words in ("weights after the last step: equal", "epochs: equal", "test predictions: equal", "to the same bits"):
        assert words in done.stdout
    assert "\ndiffers " not in done.stdout
    assert everything_in(finished_run()) == before
    assert [name for name in os.listdir(tmp_path) if name.startswith("penstock-again-")] == []


def test_other_bits_are_kept_and_said(tmp_path, monkeypatch, capfd):
    # As another processor would leave them; the run that is trained is a copy.
    old = RunFolder(shutil.copytree(finished_run(), tmp_path / "old"))
    results = old.results.read()
    old.results.write(results | {"weights_sha256": "0" * 64, "identity": results["identity"] | {"processor": "Other"}})

    def starter(stop, more=()):
        return lambda words: shutil.copytree(finished_run(), words[-1].removeprefix("--run_dir=")) and 0

    monkeypatch.setattr(reproduce, "starter", starter)
    monkeypatch.setattr(reproduce.tempfile, "tempdir", str(tmp_path))
    done = call_script(reproduce, [f"--run={tmp_path / 'old'}"], monkeypatch, capfd)
    assert done.code == 1
    assert "compared    weights after the last step: not equal, SHA-256 0000" in done.stdout
    assert f"differs     processor: Other -> {results['identity']['processor']}" in done.stdout
    (kept,) = tmp_path.glob("penstock-again-*/run")
    assert done.stdout.endswith(f"kept        {kept}\n")
    assert (kept / "results.json").exists()


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ([], "--run is missing: the folder of a finished run"),
        (["--run=nowhere"], "'nowhere' is not a run folder"),
        (["--run=nowhere", "more"], "'more' is not a flag"),
        (["--run=nowhere", "--epochs=3"], "--epochs: reproduce.py has no such flag; --epochs is one of train.py"),
    ],
)
def test_mistakes_are_one_line_and_leave_nothing(arguments, words, tmp_path, monkeypatch, capfd):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(reproduce.tempfile, "tempdir", str(tmp_path))
    done = call_script(reproduce, arguments, monkeypatch, capfd)
    assert done.code == 2
    assert words in done.stderr
    assert done.stderr.count("\n") == 1
    assert os.listdir(tmp_path) == []
