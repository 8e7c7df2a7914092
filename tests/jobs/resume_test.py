"""Which checkpoint a run may go on from, and what is said of the others."""

import dataclasses

import numpy as np
import pytest

from base.errors import UserError
from jobs import resume
from jobs.resume import find_checkpoint, identity_of, versions
from pipeline.data import Data
from pipeline.sources.splits import Splits, split_rows
from records.run_folder import RunFolder
from tests.helpers.run_fixtures import OTHER_VALUES
from tests.helpers.watches import Recording, Silence
from tests.training.checkpoint_test import arrays_as_variables
from training.checkpoint import Checkpoint, save_checkpoint
from training.device import Hardware
from training.options import NOT_PART_OF_THE_RUN, RunOptions

OPTIONS = RunOptions("folder:here", threads=2)
HARDWARE = Hardware("CPU", None, 1, "float32", 2, False, ())


@pytest.fixture
def data(picture_tree, index_of) -> Data:
    """Eight pictures of two classes, all of them for training."""
    return data_of(index_of(picture_tree({"a": 4, "b": 4})))


def data_of(manifest) -> Data:
    nothing = np.zeros(0, np.int64)
    splits = Splits({"train": np.arange(len(manifest)), "validation": nothing, "test": nothing})
    return Data(manifest, splits, None, 255, (), ())


@pytest.fixture
def run_dir(tmp_path, data):
    """A run that has been killed after step 5."""
    folder = tmp_path / "run"
    RunFolder(folder).write_split(split_rows(data.manifest, data.splits))
    save(folder, 5, identity_of(OPTIONS, HARDWARE, data))
    return folder


def save(run_dir, step, identity) -> None:
    arrays = {"model": [np.arange(6, dtype=np.float32)]}
    save_checkpoint(run_dir / "checkpoints", Checkpoint(step, [], identity, arrays), arrays_as_variables(arrays))


def refusal(run_dir, identity, data) -> str:
    before = {path: path.read_bytes() for path in run_dir.rglob("*") if path.is_file()}
    with pytest.raises(UserError) as caught:
        find_checkpoint(RunFolder(run_dir), identity, data, Silence())
    assert {path: path.read_bytes() for path in run_dir.rglob("*") if path.is_file()} == before
    text = str(caught.value)
    assert "cannot be continued to the same result (" in text
    assert text.endswith("restore what changed, or give another --run_dir")
    assert "\n" not in text
    return text


def test_the_same_run_goes_on(run_dir, data):
    assert find_checkpoint(RunFolder(run_dir), identity_of(OPTIONS, HARDWARE, data), data, Silence()).step == 5


def test_a_run_without_checkpoints_begins(tmp_path, data):
    assert find_checkpoint(RunFolder(tmp_path), identity_of(OPTIONS, HARDWARE, data), data, Silence()) is None


@pytest.mark.parametrize("name", ["epochs", "learning_rate", "threads", "augment", "split_fractions", "seed"])
def test_a_checkpoint_of_other_options_is_refused_and_they_are_named(name, run_dir, data):
    changed = dataclasses.replace(OPTIONS, **{name: OTHER_VALUES[name]})
    assert f"options.{name}" in refusal(run_dir, identity_of(changed, HARDWARE, data), data)


def test_options_are_shown_with_both_values(run_dir, data):
    augment = OPTIONS.augment.changed({"rotate_degrees": 12.0})
    changed = dataclasses.replace(OPTIONS, threads=3, learning_rate=0.5, augment=augment)
    text = refusal(run_dir, identity_of(changed, HARDWARE, data), data)
    shown = (
        "options.augment.warp.rotate_degrees: 0.0 -> 12.0; options.learning_rate: 0.001 -> 0.5; options.threads: 2 -> 3"
    )
    assert f"({shown})" in text


def test_what_only_moves_or_speeds_a_run_may_differ(run_dir, data):
    changed = dataclasses.replace(OPTIONS, **{name: OTHER_VALUES[name] for name in NOT_PART_OF_THE_RUN})
    hardware = dataclasses.replace(HARDWARE, replicas=2, processor="another")
    assert find_checkpoint(RunFolder(run_dir), identity_of(changed, hardware, data), data, Silence()).step == 5


@pytest.mark.parametrize("program", ["penstock", "python", "tensorflow", "keras", "numpy"])
def test_another_version_is_refused_and_named(program, run_dir, data, monkeypatch):
    known = versions()
    monkeypatch.setattr(resume, "versions", lambda: known | {program: "99.1"})
    text = refusal(run_dir, identity_of(OPTIONS, HARDWARE, data), data)
    assert f"(versions.{program}: {known[program]} -> 99.1)" in text


def test_another_precision_or_full_scale_is_refused(run_dir, data):
    hardware = dataclasses.replace(HARDWARE, policy="mixed_bfloat16")
    changed = dataclasses.replace(data, full_scale=4095)
    text = refusal(run_dir, identity_of(OPTIONS, hardware, changed), changed)
    assert "(full_scale: 255 -> 4095; precision: float32 -> mixed_bfloat16)" in text


def test_other_pictures_are_refused_and_named(run_dir, data, index_of, picture_tree):
    root = picture_tree({})
    (root / "a" / "0000.jpg").unlink()
    (root / "a" / "0001.png").write_bytes((root / "b" / "0001.png").read_bytes())
    (root / "a" / "new.png").write_bytes((root / "b" / "0003.png").read_bytes())
    (root / "b" / "0002.jpg").rename(root / "a" / "moved.jpg")
    changed = data_of(index_of(root))
    text = refusal(run_dir, identity_of(OPTIONS, HARDWARE, changed), changed)
    assert "; new pictures: 2, as 'a/moved.jpg'; gone pictures: 2, as 'a/0000.jpg'; changed pictures: 1, as 'a/" in text


@pytest.mark.parametrize("content", [None, b"", b"path,label\nx", b"\xff\xfe\0", b'path,label,split,sha256\n"'])
def test_a_missing_or_damaged_split_csv_only_costs_the_words(content, run_dir, data, index_of, picture_tree):
    (picture_tree({}) / "a" / "0000.jpg").unlink()
    changed = data_of(index_of(picture_tree({})))
    (run_dir / "split.csv").unlink()
    if content is not None:
        (run_dir / "split.csv").write_bytes(content)
    assert "(manifest_sha256: " in refusal(run_dir, identity_of(OPTIONS, HARDWARE, changed), changed)


def test_where_every_checkpoint_is_damaged_nothing_begins_anew(run_dir, data):
    save(run_dir, 9, identity_of(OPTIONS, HARDWARE, data))
    for step in (5, 9):
        (run_dir / "checkpoints" / f"step-{step:08d}" / "state.json").write_text("{}")
    watch = Recording()
    with pytest.raises(UserError) as caught:
        find_checkpoint(RunFolder(run_dir), identity_of(OPTIONS, HARDWARE, data), data, watch)
    folder = str(run_dir / "checkpoints")
    assert str(caught.value) == (
        f"none of the 2 checkpoints in {folder!r} can be used; step-00000009: state.json does not have its checksum: "
        "put one back, or delete that folder to train from the start, or give another --run_dir"
    )
    assert len(watch.lines) == 2
