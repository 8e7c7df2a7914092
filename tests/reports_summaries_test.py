"""Event files: what TensorBoard reads back of them."""

import sys

import numpy as np
import pytest
import tensorflow as tf
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from reports.summaries import Summaries, open_summaries
from sources.errors import UserError


def events_of(folder) -> EventAccumulator:
    accumulator = EventAccumulator(str(folder), size_guidance={"tensors": 0})
    accumulator.Reload()
    return accumulator


def scalars_of(folder, tag: str) -> list[tuple[int, float]]:
    return [(e.step, float(tf.make_ndarray(e.tensor_proto))) for e in events_of(folder).Tensors(tag)]


def test_scalars_come_back_by_split_tag_and_epoch(tmp_path):
    with open_summaries(tmp_path) as summaries:
        for epoch in (1, 2, 3):
            summaries.scalars("train", epoch, {"loss": 1 / epoch, "accuracy": 0.25 * epoch})
            summaries.scalars("validation", epoch, {"loss": 2 / epoch, "accuracy": None})
    assert scalars_of(tmp_path / "train", "loss") == [(e, float(np.float32(1 / e))) for e in (1, 2, 3)]
    assert scalars_of(tmp_path / "train", "accuracy") == [(1, 0.25), (2, 0.5), (3, 0.75)]
    assert scalars_of(tmp_path / "validation", "loss") == [(e, float(np.float32(2 / e))) for e in (1, 2, 3)]
    assert events_of(tmp_path / "validation").Tags()["tensors"] == ["loss"]
    assert not (tmp_path / "test").exists()


def test_scalars_are_on_disk_before_the_run_ends(tmp_path):
    summaries = Summaries(tmp_path)
    summaries.scalars("train", 1, {"loss": 0.5})
    assert scalars_of(tmp_path / "train", "loss") == [(1, 0.5)]
    summaries.close()


def test_a_resumed_run_adds_to_the_curves(tmp_path):
    for epoch in (1, 2):
        with open_summaries(tmp_path) as summaries:
            summaries.scalars("train", epoch, {"loss": float(epoch)})
    assert scalars_of(tmp_path / "train", "loss") == [(1, 1.0), (2, 2.0)]


def test_a_picture_comes_back_pixel_for_pixel(tmp_path):
    picture = np.random.default_rng(1).integers(0, 256, (9, 14, 3), np.uint8)
    with open_summaries(tmp_path) as summaries:
        summaries.picture("train", "samples", picture)
    (event,) = events_of(tmp_path / "train").Tensors("samples")
    width, height, encoded = tf.make_ndarray(event.tensor_proto)
    assert (int(width), int(height)) == (14, 9)
    np.testing.assert_array_equal(tf.io.decode_png(encoded).numpy(), picture)


def test_the_files_are_closed_when_the_block_fails(tmp_path):
    writers = []

    def fail():
        with open_summaries(tmp_path) as summaries:
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
        Summaries(tmp_path)
