"""Which stage of the input graph works longest: planted slowness is found where it was planted."""

import json
import subprocess
import sys
import time

import numpy as np
import pytest
import tensorflow as tf

from decoding.options import PixelFormat
from pipeline import graph, pixels
from pipeline.graph import make_train_dataset
from pipeline.options import AUGMENT_PRESETS
from pipeline.order import Order
from pipeline.pixels import PackedPixels, StreamedPixels
from pipeline.stages import STAGES, StageClock, stopwatch
from tests.conftest import random_picture
from tests.run_fixtures import ROOT

FORMAT = PixelFormat(16)
COUNT, BATCH = 24, 6
PAUSE_SECONDS = 0.03


def slowly(function):
    """`function` of a graph, after a pause."""

    def paused(first, *rest):
        first = tf.ensure_shape(tf.numpy_function(_pause, [first], first.dtype), first.shape)
        return function(first, *rest)

    return paused


def _pause(value):
    time.sleep(PAUSE_SECONDS)
    return value


def taken(source) -> dict[str, float]:
    """Seconds a batch, by stage, of an epoch of four batches."""
    clock = StageClock()
    order = Order(np.arange(COUNT), BATCH, 1, shuffle=True)
    dataset = make_train_dataset(
        order, source, np.zeros(COUNT, np.int32), AUGMENT_PRESETS["report"],
        seed=1, full_scale=255, first_step=0, last_step=4, clock=clock,
    )  # fmt: skip
    assert len(list(dataset)) == 4
    return clock.take()


@pytest.fixture
def streamed(picture_tree, index_of) -> StreamedPixels:
    return StreamedPixels(index_of(picture_tree({"a": 12, "b": 12})), FORMAT, 2)


@pytest.fixture
def packed() -> PackedPixels:
    return PackedPixels(np.stack([random_picture(seed, 16, 16) for seed in range(COUNT)]), FORMAT)


def slowest(seconds: dict[str, float]) -> str:
    return max(seconds, key=seconds.get)


def test_every_stage_is_timed(streamed, packed):
    assert all(taken(streamed)[stage] > 0 for stage in STAGES)
    seconds = taken(packed)
    assert seconds["decode"] == 0
    assert min(seconds["read"], seconds["augment"]) > 0


def test_a_slow_decoder_is_found(streamed, monkeypatch):
    monkeypatch.setattr(pixels, "decode_image", slowly(pixels.decode_image))
    seconds = taken(streamed)
    assert slowest(seconds) == "decode"
    # Six pictures a batch, two at a time.
    assert seconds["decode"] >= PAUSE_SECONDS * BATCH / 2


def test_a_slow_disk_is_found(streamed, monkeypatch):
    monkeypatch.setattr(pixels.tf.io, "read_file", slowly(tf.io.read_file))
    assert slowest(taken(streamed)) == "read"


def test_a_slow_warp_is_found(packed, monkeypatch):
    monkeypatch.setattr(graph, "augment", slowly(graph.augment))
    seconds = taken(packed)
    assert slowest(seconds) == "augment"
    assert seconds["augment"] >= PAUSE_SECONDS / 2


def test_taking_starts_anew():
    clock = StageClock()
    clock.record({"read": (tf.constant(3.0, tf.float64), 2), "decode": (tf.constant(1.0, tf.float64), 1)})
    clock.record({"read": (tf.constant(1.0, tf.float64), 2)})
    assert clock.take() == {"read": 1.0, "decode": 1.0, "augment": 0.0}
    clock.record({"read": (tf.constant(5.0, tf.float64), 1)})
    # What did nothing since keeps its figure.
    assert clock.take() == {"read": 5.0, "decode": 1.0, "augment": 0.0}


def test_a_stopwatch_holds_the_work_and_changes_no_value():
    function = tf.function(lambda x: stopwatch(lambda y: slowly(tf.identity)(y) * 2, x))
    result, seconds = function(tf.constant([1.0, 2.0]))
    assert result.numpy().tolist() == [2.0, 4.0]
    assert seconds.numpy() >= PAUSE_SECONDS


UNDER_DETERMINISM = """
import json
import numpy as np
import tensorflow as tf
from tests import pipeline_stages_test as here
tf.config.experimental.enable_op_determinism()
pixels = np.stack([here.random_picture(seed, 16, 16) for seed in range(here.COUNT)])
print(json.dumps(here.taken(here.PackedPixels(pixels, here.FORMAT))))
"""


def test_stages_are_timed_under_op_determinism_too():
    # As on every GPU; a process of its own, because a process cannot go back.
    done = subprocess.run([sys.executable, "-c", UNDER_DETERMINISM], cwd=ROOT, capture_output=True, text=True,
                          check=False)  # fmt: skip
    assert done.returncode == 0, done.stderr
    seconds = json.loads(done.stdout.strip().rpartition("\n")[2])
    assert 0 < min(seconds["read"], seconds["augment"]) < 10
