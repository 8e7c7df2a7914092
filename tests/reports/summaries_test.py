"""Event files: what TensorBoard reads back of them."""

import os
import signal
import subprocess
import sys

import numpy as np
import pytest
import tensorflow as tf
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
from tensorboard.backend.event_processing.event_file_loader import EventFileLoader
from tensorboard.plugins.pr_curve.metadata import parse_plugin_metadata

from base.errors import UserError
from records.run_folder import RunFolder
from reports.summaries import Summaries, open_summaries
from tests.helpers.run_fixtures import ROOT
from tests.helpers.storage import file_size_limit
from tests.helpers.watches import Recording, Silence


def events_of(folder) -> EventAccumulator:
    accumulator = EventAccumulator(str(folder), size_guidance={"tensors": 0})
    accumulator.Reload()
    return accumulator


def scalars_of(folder, tag: str) -> list[tuple[int, float]]:
    return [(e.step, float(tf.make_ndarray(e.tensor_proto))) for e in events_of(folder).Tensors(tag)]


def test_scalars_come_back_by_split_tag_and_epoch(tmp_path):
    with open_summaries(RunFolder(tmp_path), Silence()) as summaries:
        for epoch in (1, 2, 3):
            summaries.scalars("train", epoch, {"loss": 1 / epoch, "accuracy": 0.25 * epoch})
            summaries.scalars("validation", epoch, {"loss": 2 / epoch, "accuracy": None})
    assert scalars_of(tmp_path / "train", "loss") == [(e, float(np.float32(1 / e))) for e in (1, 2, 3)]
    assert scalars_of(tmp_path / "train", "accuracy") == [(1, 0.25), (2, 0.5), (3, 0.75)]
    assert scalars_of(tmp_path / "validation", "loss") == [(e, float(np.float32(2 / e))) for e in (1, 2, 3)]
    assert events_of(tmp_path / "validation").Tags()["tensors"] == ["loss"]
    assert not (tmp_path / "test").exists()


def test_scalars_are_on_disk_before_the_run_ends(tmp_path):
    summaries = Summaries(RunFolder(tmp_path), Silence())
    summaries.scalars("train", 1, {"loss": 0.5})
    assert scalars_of(tmp_path / "train", "loss") == [(1, 0.5)]
    summaries.close()


def test_a_resumed_run_adds_to_the_curves(tmp_path):
    for epoch in (1, 2):
        with open_summaries(RunFolder(tmp_path), Silence()) as summaries:
            summaries.scalars("train", epoch, {"loss": float(epoch)})
    # Files of one second stand in no order.
    assert sorted(scalars_of(tmp_path / "train", "loss")) == [(1, 1.0), (2, 2.0)]


def test_pictures_come_back_pixel_for_pixel(tmp_path):
    pictures = np.random.default_rng(1).integers(0, 256, (5, 9, 14, 3), np.uint8)
    with open_summaries(RunFolder(tmp_path), Silence()) as summaries:
        summaries.pictures("train", "samples", pictures)
    (event,) = events_of(tmp_path / "train").Tensors("samples")
    width, height, *encoded = tf.make_ndarray(event.tensor_proto)
    assert (int(width), int(height)) == (14, 9)
    np.testing.assert_array_equal([tf.io.decode_png(one).numpy() for one in encoded], pictures)


def test_a_precision_recall_curve_comes_back_as_the_plugin_reads_it(tmp_path):
    table = np.random.default_rng(2).random((6, 201)).astype(np.float32)
    with open_summaries(RunFolder(tmp_path), Silence()) as summaries:
        summaries.precision_recall("test", "precision_recall/class_1", "dogs, \u00e9", 7, table)
    events = events_of(tmp_path / "test")
    (event,) = events.Tensors("precision_recall/class_1")
    assert event.step == 7
    np.testing.assert_array_equal(tf.make_ndarray(event.tensor_proto), table)
    about = events.SummaryMetadata("precision_recall/class_1")
    assert (about.plugin_data.plugin_name, about.display_name) == ("pr_curves", "dogs, \u00e9")
    assert parse_plugin_metadata(about.plugin_data.content).num_thresholds == 201


def test_the_files_are_closed_when_the_block_fails(tmp_path):
    writers = []

    def fail():
        with open_summaries(RunFolder(tmp_path), Silence()) as summaries:
            summaries.scalars("train", 1, {"loss": 0.5})
            writers.extend(summaries._writers.values())
            raise KeyError

    with pytest.raises(KeyError):
        fail()
    assert scalars_of(tmp_path / "train", "loss") == [(1, 0.5)]
    with pytest.raises(RuntimeError, match="already closed"):
        writers[0].as_default().__enter__()


def test_a_missing_tensorboard_is_said_at_once(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "tensorboard", None)
    with pytest.raises(UserError, match="tensorboard is not installed: run make setup"):
        Summaries(RunFolder(tmp_path), Silence())


def test_events_that_cannot_be_written_are_said_once_and_do_not_matter(tmp_path):
    picture = np.random.default_rng(1).integers(0, 256, (90, 140, 3), np.uint8)
    watch = Recording()
    with open_summaries(RunFolder(tmp_path), watch) as summaries:
        summaries.scalars("train", 1, {"loss": 0.5})
        with file_size_limit(20_000):
            for _ in range(3):
                summaries.pictures("train", "samples", picture[None])
            summaries.scalars("validation", 1, {"loss": 0.5})
            summaries.text("train", "input", 2, "words")
    (line,) = watch.lines
    assert line.startswith(f"curves      warning: {tmp_path} takes no more TensorBoard events (")
    assert "\n" not in line
    # What was flushed before is there, and TensorBoard reads it past the half event.
    assert scalars_of(tmp_path / "train", "loss") == [(1, 0.5)]


def test_a_full_disk_is_said_once_and_a_later_run_goes_on(small_disk):
    filler, watch = small_disk / "filler", Recording()
    with open_summaries(RunFolder(small_disk), watch) as summaries:
        summaries.scalars("train", 1, {"loss": 0.5})
        filler.write_bytes(b"x" * (os.statvfs(small_disk).f_bavail * os.statvfs(small_disk).f_bsize))
        for epoch in range(100):
            summaries.text("train", "input", epoch, "words " * 100)
            summaries.scalars("validation", epoch, {"loss": 0.5})
    assert len(watch.lines) == 1
    filler.unlink()
    with open_summaries(RunFolder(small_disk), Silence()) as summaries:
        summaries.scalars("train", 2, {"loss": 0.25})
    assert sorted(scalars_of(small_disk / "train", "loss")) == [(1, 0.5), (2, 0.25)]


@pytest.mark.parametrize("cut", [1, 7, 40])
def test_an_unfinished_event_file_is_read_up_to_its_last_whole_event(tmp_path, cut):
    with open_summaries(RunFolder(tmp_path), Silence()) as summaries:
        for epoch in (1, 2, 3):
            summaries.scalars("train", epoch, {"loss": 1 / epoch})
    (path,) = (tmp_path / "train").iterdir()
    path.write_bytes(path.read_bytes()[:-cut])
    steps = [event.step for event in EventFileLoader(str(path)).Load() if event.summary.value]
    assert steps == [1, 2]


@pytest.mark.slow
def test_events_of_a_killed_process_are_read(tmp_path):
    code = (
        "import os, signal, sys; from pathlib import Path; from base.watch import SILENT\n"
        "from records.run_folder import RunFolder; from reports.summaries import Summaries\n"
        "summaries = Summaries(RunFolder(Path(sys.argv[1])), SILENT)\n"
        "for epoch in (1, 2): summaries.scalars('train', epoch, {'loss': 1 / epoch})\n"
        "os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    done = subprocess.run([sys.executable, "-c", code, str(tmp_path)], check=False, cwd=ROOT, capture_output=True)
    assert done.returncode == -signal.SIGKILL
    (path,) = (tmp_path / "train").iterdir()
    assert [event.step for event in EventFileLoader(str(path)).Load() if event.summary.value] == [1, 2]
    assert scalars_of(tmp_path / "train", "loss") == [(1, 1.0), (2, 0.5)]
