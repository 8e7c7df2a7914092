"""Which checkpoint a run may go on from, and what is said of the others."""

import dataclasses
import re
import time
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import tensorflow as tf

from base.errors import UserError
from base.options import leaves
from jobs import resume
from jobs.options import RunOptions
from jobs.resume import check_identity, go_on, identity_of, newest_checkpoint, versions
from jobs.run import Run
from pipeline.data import Data
from pipeline.decoding.pixel_format import PixelFormat
from pipeline.pixels import StreamedPixels
from pipeline.sources.splits import Splits
from records.run_folder import RunFolder
from tests.helpers.other_values import OTHER_VALUES
from tests.helpers.runs import HARDWARE, OPTIONS, run_of
from tests.helpers.watches import Recording, Silence
from tests.training.checkpoint_test import arrays_as_variables
from training.checkpoint import Checkpoint, save_checkpoint
from training.clock import RunClock
from training.loop import Loop


@pytest.fixture
def data(picture_tree, index_of) -> Data:
    """Eight pictures of two classes, all of them for training."""
    return data_of(index_of(picture_tree({"a": 4, "b": 4})))


def data_of(manifest) -> Data:
    nothing = np.zeros(0, np.int64)
    splits = Splits({"train": np.arange(len(manifest)), "validation": nothing, "test": nothing})
    return Data(manifest, splits, StreamedPixels(manifest, PixelFormat.square(16), 2), (), {})


@pytest.fixture
def run_dir(tmp_path, data):
    """A run that has been killed after step 5."""
    folder = tmp_path / "run"
    RunFolder(folder).split.write(data.split_rows())
    save(folder, 5, identity_now(run_of(data, folder)))
    return folder


def identity_now(run: Run, weights="none") -> dict:
    return identity_of(run, weights)


def save(run_dir, step, identity) -> None:
    arrays = {"model": [np.arange(6, dtype=np.float32)]}
    save_checkpoint(run_dir / "checkpoints", Checkpoint(step, [], identity, arrays), arrays_as_variables(arrays))


def find(run: Run, watch=None) -> Checkpoint | None:
    """The checkpoint that the run may go on from."""
    saved = newest_checkpoint(run.folder, watch or Silence())
    check_identity(saved, identity_now(run), run)
    return saved


def refusal(run: Run) -> str:
    before = {path: path.read_bytes() for path in run.folder.path.rglob("*") if path.is_file()}
    with pytest.raises(UserError) as caught:
        find(run)
    assert {path: path.read_bytes() for path in run.folder.path.rglob("*") if path.is_file()} == before
    text = str(caught.value)
    assert "cannot be continued to the same result (" in text
    assert text.endswith("restore what changed, or give another --run_dir")
    assert "\n" not in text
    return text


def test_the_same_run_goes_on(run_dir, data):
    assert find(run_of(data, run_dir)).step == 5


def test_a_run_without_checkpoints_begins(tmp_path, data):
    assert find(run_of(data, tmp_path)) is None


@pytest.mark.parametrize("name", ["learning_rate", "threads", "rotate_degrees", "split_fractions", "seed"])
def test_a_checkpoint_of_other_options_is_refused_and_they_are_named(name, run_dir, data):
    changed = OPTIONS.changed({name: OTHER_VALUES[name]})
    assert re.search(rf"\(options\.([a-z]+\.)*{name}: ", refusal(run_of(data, run_dir, changed)))


def test_options_are_shown_with_both_values(run_dir, data):
    changed = OPTIONS.changed({"threads": 3, "learning_rate": 0.5, "rotate_degrees": 12.0})
    shown = ("options.augment.warp.rotate_degrees: 10.0 -> 12.0; options.threads: 2 -> 3; "
             "options.training.learning_rate: 0.001 -> 0.5")  # fmt: skip
    assert f"({shown})" in refusal(run_of(data, run_dir, changed))


def test_what_only_moves_or_speeds_a_run_may_differ(run_dir, data):
    free = [leaf.name for leaf in leaves(RunOptions) if not leaf.option.identity]
    changed = OPTIONS.changed({name: OTHER_VALUES[name] for name in free})
    hardware = dataclasses.replace(HARDWARE, replicas=2, processor="another")
    assert find(run_of(data, run_dir, changed, hardware)).step == 5


@pytest.mark.parametrize("schedule", ["cosine", "one_cycle"])
def test_a_schedule_over_the_run_knows_how_many_epochs_that_has(schedule, run_dir, data):
    cosine = OPTIONS.changed({"schedule": schedule})
    save(run_dir, 7, identity_now(run_of(data, run_dir, cosine)))
    assert find(run_of(data, run_dir, cosine)).step == 7
    text = refusal(run_of(data, run_dir, cosine.changed({"epochs": OPTIONS.training.epochs + 1})))
    assert "(schedule_epochs: 30 -> 31)" in text


def test_other_weights_to_begin_with_are_another_run_wherever_they_lie(run_dir, data):
    run = run_of(data, run_dir)
    with pytest.raises(UserError, match=r"\(weights: none -> 0f\)"):
        check_identity(newest_checkpoint(run.folder, Silence()), identity_now(run, "0f"), run)


def test_an_environment_that_computes_otherwise_is_another_run(run_dir, data):
    hardware = dataclasses.replace(HARDWARE, environment=(("TF_XLA_FLAGS", "--tf_xla_auto_jit=2"),))
    assert "(environment.TF_XLA_FLAGS: None -> --tf_xla_auto_jit=2)" in refusal(
        run_of(data, run_dir, hardware=hardware)
    )


@pytest.mark.parametrize("program", ["penstock", "python", "tensorflow", "keras", "numpy"])
def test_another_version_is_refused_and_named(program, run_dir, data, monkeypatch):
    known = versions()
    monkeypatch.setattr(resume, "versions", lambda: known | {program: "99.1"})
    assert f"(versions.{program}: {known[program]} -> 99.1)" in refusal(run_of(data, run_dir))


def test_another_precision_or_full_scale_is_refused(run_dir, data):
    hardware = dataclasses.replace(HARDWARE, policy="mixed_bfloat16")
    deep = StreamedPixels(data.manifest, PixelFormat.square(16, full_scale=4095), 2)
    text = refusal(run_of(dataclasses.replace(data, pixels=deep), run_dir, hardware=hardware))
    assert "(full_scale: 255 -> 4095; precision: float32 -> mixed_bfloat16)" in text


def test_other_pictures_are_refused_and_named(run_dir, data, index_of, picture_tree):
    root = picture_tree({})
    (root / "a" / "0000.jpg").unlink()
    (root / "a" / "0001.png").write_bytes((root / "b" / "0001.png").read_bytes())
    (root / "a" / "new.png").write_bytes((root / "b" / "0003.png").read_bytes())
    (root / "b" / "0002.jpg").rename(root / "a" / "moved.jpg")
    text = refusal(run_of(data_of(index_of(root)), run_dir))
    assert "; new pictures: 2, as 'a/moved.jpg'; gone pictures: 2, as 'a/0000.jpg'; changed pictures: 1, as 'a/" in text


@pytest.mark.parametrize("content", [None, b"", b"path,label\nx", b"\xff\xfe\0", b'path,label,split,sha256\n"'])
def test_a_missing_or_damaged_split_csv_only_costs_the_words(content, run_dir, data, index_of, picture_tree):
    (picture_tree({}) / "a" / "0000.jpg").unlink()
    changed = data_of(index_of(picture_tree({})))
    (run_dir / "split.csv").unlink()
    if content is not None:
        (run_dir / "split.csv").write_bytes(content)
    assert "manifest_sha256: " in refusal(run_of(changed, run_dir))


def test_where_every_checkpoint_is_damaged_nothing_begins_anew(run_dir, data):
    run, watch = run_of(data, run_dir), Recording()
    save(run_dir, 9, identity_now(run))
    for step in (5, 9):
        (run_dir / "checkpoints" / f"step-{step:08d}" / "state.json").write_text("{}")
    with pytest.raises(UserError) as caught:
        find(run, watch)
    folder = str(run_dir / "checkpoints")
    assert str(caught.value) == (
        f"none of the 2 checkpoints in {folder!r} can be used; step-00000009: state.json does not have its checksum: "
        "put one back, or delete that folder to train from the start, or give another --run_dir"
    )
    assert len(watch.lines) == 2


def gone_on(replicas: int, name: str = "kernel", processor="A CPU") -> list[str]:
    """The log lines of a run on so many replicas that finds a checkpoint of one; its variable must come back."""
    tensor, watch = tf.Variable([0.0], name=name), Recording()
    saved = Checkpoint(3, [], {"replicas": 1, "processor": "A CPU"}, {"sums": [np.array([7.0], np.float32)]},
                       {"epoch": {"seconds": 2.0, "wait_seconds": 1.0, "steps": 4, "examples": 9}, "seconds": 60.0,
                        "starts": 2})  # fmt: skip
    model = SimpleNamespace(variables=[SimpleNamespace(path=name)], layers=[])
    state = SimpleNamespace(parts={"sums": [tensor]}, model=model)
    clock = RunClock(time.monotonic())
    loop = SimpleNamespace(identity={"replicas": replicas, "processor": processor}, state=state, run_clock=clock,
                           first_step=0)  # fmt: skip
    loop.go_on = lambda saved: Loop.go_on(loop, saved)
    go_on(run_of(None, Path(), watch=watch), loop, saved)
    assert (loop.step, tensor.numpy().tolist(), clock.starts) == (3, [7.0], 3)
    assert clock.seconds >= 60
    return watch.lines


def test_the_same_layout_goes_on_without_a_word():
    assert gone_on(1) == ["resume      from step 3, after 0 whole epochs"]


def test_a_run_without_a_checkpoint_says_that_it_begins_again():
    watch = Recording()
    go_on(run_of(None, Path(), watch=watch), None, None)
    assert watch.lines == ["resume      from the start: the run has no checkpoint"]


def test_another_processor_is_said():
    _, line = gone_on(1, processor="A CPU without oneDNN")
    assert line == (
        "processor   warning: A CPU -> A CPU without oneDNN, which rounds otherwise: the last bits may differ"
    )


@pytest.mark.parametrize("name", ["kernel", "stem_norm/moving_variance"])
def test_another_number_of_replicas_is_said_with_what_it_changes(name):
    _, line = gone_on(2, name)
    assert line.startswith("replicas    1 -> 2: same examples, augmentation and dropout; sums over replicas differ in")
    assert ("BatchNorm normalizes by each replica's own rows" in line) == (name != "kernel")
