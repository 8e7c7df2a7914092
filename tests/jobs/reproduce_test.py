"""A run is trained again from its own flags, elsewhere, and nothing in its folder changes; what cannot be is told."""

import hashlib
import shutil
from pathlib import Path

import pytest

from base.errors import UserError
from base.signals import Stopped, StopRequest
from base.watch import Watch
from jobs.options import flagfile, resolve
from jobs.reproduce import reproduce
from records.run_folder import RunFolder
from records.tables import SplitRow
from tests.helpers.made_runs import everything_in, write_finished
from tests.helpers.run_folders import begin
from tests.helpers.watches import Recording


@pytest.fixture
def made(tmp_path):
    """A finished run on three files, and what stands in for train.py."""
    pictures = tmp_path / "pictures"
    pictures.mkdir()
    for name in "abc":
        (pictures / f"{name}.jpg").write_text(name)
    options = resolve(f"folder:{pictures}", {"epochs": 3, "threads": 2})
    path = write_finished(tmp_path / "run", options, weights_sha256="ab" * 32)
    folder = RunFolder(path)
    folder.split.write([SplitRow(f"{name}.jpg", "cat", "train", hashlib.sha256(name.encode()).hexdigest())
                        for name in "abc"])  # fmt: skip
    folder.history.write([])
    folder.flags.write(flagfile(options))
    return folder, pictures


class Trainer:
    """Copies the run, with other weights if that is asked for."""

    def __init__(self, run: RunFolder, code: int = 0, weights: str = "ab" * 32):
        self.run, self.code, self.weights = run, code, weights
        self.arguments: list[str] = []

    def __call__(self, arguments) -> int:
        self.arguments = [*arguments]
        if not self.code:
            again = RunFolder(Path(arguments[-1].removeprefix("--run_dir=")))
            shutil.copytree(self.run.path, again.path)
            again.results.write(again.results.read() | {"weights_sha256": self.weights})
        return self.code


def test_the_same_bits_are_said_and_nothing_in_the_run_changes(made, tmp_path):
    run, _ = made
    before, lines, trainer = everything_in(run.path), Recording(), Trainer(run)
    assert reproduce(run.path, tmp_path / "again", "", trainer, lines) == 0
    assert trainer.arguments == [f"--flagfile={run.path / 'flags.txt'}", f"--run_dir={tmp_path / 'again'}"]
    assert lines.lines == [
        "compared    weights after the last step: equal", "compared    epochs: equal",
        "compared    test predictions: equal", f"equal       {run.path} was trained again to the same bits",
    ]  # fmt: skip
    assert everything_in(run.path) == before


def test_other_bits_are_said_with_what_differs_or_that_nothing_known_does(made, tmp_path):
    lines = Recording()
    assert reproduce(made[0].path, tmp_path / "again", "", Trainer(made[0], weights="cd" * 32), lines) == 1
    assert lines.lines[0].startswith("compared    weights after the last step: not equal, SHA-256 abab")
    assert lines.lines[-2].startswith("differs     nothing that the run wrote down")
    assert lines.lines[-1].startswith("not equal   ")


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda folder: (folder / "b.jpg").write_text("other"), "differs     changed pictures: 1, as 'b.jpg'"),
        (lambda folder: (folder / "a.jpg").unlink(), "differs     gone pictures: 1, as 'a.jpg'"),
    ],
)
def test_changed_pictures_are_told_before_anything_is_trained(change, words, made, tmp_path):
    change(made[1])
    lines, trainer = Recording(), Trainer(made[0])
    assert reproduce(made[0].path, tmp_path / "again", "", trainer, lines) == 1
    assert lines.lines[0] == words
    assert trainer.arguments == []


def test_pictures_that_moved_are_found_by_their_new_place(made, tmp_path):
    run, pictures = made
    moved = shutil.move(pictures, tmp_path / "moved")
    trainer = Trainer(run)
    assert reproduce(run.path, tmp_path / "again", str(moved), trainer, Watch()) == 0
    assert f"--dataset=folder:{moved}" in trainer.arguments


def test_a_network_of_ones_own_is_the_runs_copy(made, tmp_path):
    run, _ = made
    run.network.write(b"def build(shape, classes): ...\n")
    options = run.options.read()
    options["model"]["name"] = "/gone/net.py:build"
    run.options.write(options)
    trainer = Trainer(run)
    reproduce(run.path, tmp_path / "again", "", trainer, Watch())
    assert f"--model={run.path / 'network.py'}:build" in trainer.arguments


def test_a_run_that_cannot_be_trained_again_is_the_users_to_mend(made, tmp_path):
    with pytest.raises(UserError, match=r"could not be trained again \(exit code 2\)"):
        reproduce(made[0].path, tmp_path / "again", "", Trainer(made[0], code=2), Watch())


def test_a_finished_run_in_the_way_is_not_taken_for_the_new_one(made, tmp_path):
    shutil.copytree(made[0].path, tmp_path / "again")
    with pytest.raises(UserError, match="could not be trained again"):
        reproduce(made[0].path, tmp_path / "again", "", Trainer(made[0], code=2), Watch())


def test_a_stop_is_a_stop(made, tmp_path):
    stop = StopRequest()
    stop.signal_name = "SIGINT"
    with pytest.raises(Stopped, match="SIGINT: stopped in "):
        reproduce(made[0].path, tmp_path / "again", "", Trainer(made[0], code=75), Watch(stop))


def test_other_mistakes_are_told(made, tmp_path):
    run, _ = made
    for path, out_dir, words in (
        (tmp_path / "nowhere", tmp_path / "again", "is not a run folder"),
        (begin(tmp_path / "begun"), tmp_path / "again", "is not finished, so there is nothing to compare with"),
        (run.path, run.path / "again", "lies in the run's own folder"),
        (run.path, run.path, "lies in the run's own folder"),
    ):
        with pytest.raises(UserError, match=words):
            reproduce(path, out_dir, "", Trainer(run), Watch())
    run.flags.write(run.flags.read() + "# give on the command line what no line here can hold: --data_dir='a\\nb'\n")
    with pytest.raises(UserError, match=r"flags.txt' could not hold --data_dir="):
        reproduce(run.path, tmp_path / "again", "", Trainer(run), Watch())
