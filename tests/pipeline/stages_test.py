"""Which stage of the input graph works longest: planted slowness is found where it was planted."""

import json
import time

import numpy as np
import pytest
import tensorflow as tf

from pipeline import graph, pixels, stages
from pipeline.augment.options import AUGMENT_PRESETS
from pipeline.decoding.pixel_format import PixelFormat
from pipeline.graph import make_train_dataset
from pipeline.order import Order
from pipeline.pixels import PackedPixels, StreamedPixels
from pipeline.plan import Plan
from pipeline.stages import STAGES, StageClock, stopwatch, transfer_seconds
from tests.conftest import random_picture
from tests.helpers.run_fixtures import run_code

FORMAT = PixelFormat.square(16)
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


class SlowRows:
    """An array on a slow disk."""

    def __init__(self, rows: np.ndarray):
        self.rows = rows

    def take(self, *arguments, **keywords) -> np.ndarray:
        time.sleep(PAUSE_SECONDS)
        return self.rows.take(*arguments, **keywords)


def plan() -> Plan:
    """Of an epoch of four batches, augmented."""
    order = Order(np.arange(COUNT), BATCH, 1, shuffle=True)
    return Plan(order, np.zeros(COUNT, np.int32), FORMAT, AUGMENT_PRESETS["report"], seed=1)


def taken(source) -> dict[str, float]:
    """Seconds a batch, by stage, of an epoch of four batches."""
    clock = StageClock()
    assert len(list(make_train_dataset(plan(), source, 0, 4, clock=clock))) == 4
    return clock.take()


@pytest.fixture
def streamed(picture_tree, index_of) -> StreamedPixels:
    # Of one kind: what decodes another is made at its first picture, which takes longer than the pauses here.
    return StreamedPixels(index_of(picture_tree({"a": 12, "b": 12}, suffixes=[".jpg"])), FORMAT, 2)


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
    for name in ("decode_image", "decode_plain"):
        monkeypatch.setattr(pixels, name, slowly(getattr(pixels, name)))
    seconds = taken(streamed)
    assert slowest(seconds) == "decode"
    # Six pictures a batch, two at a time.
    assert seconds["decode"] >= PAUSE_SECONDS * BATCH / 2


def test_a_slow_disk_is_found(streamed, monkeypatch):
    monkeypatch.setattr(pixels.tf.io, "read_file", slowly(tf.io.read_file))
    assert slowest(taken(streamed)) == "read"


def test_a_slow_warp_is_found(packed, monkeypatch):
    finish = graph.make_finish

    def slow_finish(*arguments):
        slow = slowly(lambda ids, batch: finish(*arguments)(batch | {"example_id": ids}))
        return lambda batch: slow(batch["example_id"], batch)

    monkeypatch.setattr(graph, "make_finish", slow_finish)
    seconds = taken(packed)
    assert slowest(seconds) == "augment"
    assert seconds["augment"] >= PAUSE_SECONDS / 2


def test_a_slow_pack_is_found(packed, monkeypatch):
    monkeypatch.setattr(packed, "_pixels", SlowRows(packed._pixels))
    seconds = taken(packed)
    assert slowest(seconds) == "read"
    assert seconds["read"] >= PAUSE_SECONDS / 2


def test_taking_starts_anew():
    clock = StageClock()
    clock.add("read", 3.0, 2)
    clock.add("decode", 1.0, 1)
    clock.add("read", 1.0, 2)
    assert clock.take() == {"read": 1.0, "decode": 1.0, "augment": 0.0}
    clock.add("read", 5.0, 1)
    # What did nothing since keeps its figure.
    assert clock.take() == {"read": 5.0, "decode": 1.0, "augment": 0.0}


def test_a_stopwatch_holds_the_work_and_changes_no_value():
    function = tf.function(lambda x: stopwatch(lambda y: slowly(tf.identity)(y) * 2, x))
    result, seconds = function(tf.constant([1.0, 2.0]))
    assert result.numpy().tolist() == [2.0, 4.0]
    assert seconds.numpy() >= PAUSE_SECONDS


def test_a_transfer_moves_the_whole_batch_and_takes_its_time(monkeypatch):
    moved = []

    def slow_move(tensor):
        moved.append(tensor)
        time.sleep(PAUSE_SECONDS)
        return tensor

    monkeypatch.setattr(stages.tf, "identity", slow_move)
    spec = plan().element_spec(on_device=True)
    assert transfer_seconds(spec, "CPU:0") >= PAUSE_SECONDS * len(spec)
    assert [(part.shape, part.dtype) for part in moved[: len(spec)]] == [(p.shape, p.dtype) for p in spec.values()]


def test_nothing_is_transferred_where_the_host_computes():
    assert transfer_seconds(plan().element_spec(on_device=False), "") == 0.0


UNDER_DETERMINISM = """
import json, sys, threading, time
from pathlib import Path
import numpy as np
import tensorflow as tf
from pipeline import graph, pixels
from pipeline.sources.folders import catalog_of_folder
from pipeline.sources.index import build_index
from tests.pipeline import stages_test as here

tf.config.threading.set_inter_op_parallelism_threads(4)
tf.config.experimental.enable_op_determinism()
lock, inside, most = threading.Lock(), 0, 0

def rendezvous(value):
    global inside, most
    with lock:
        inside += 1
        most = max(most, inside)
    time.sleep(0.05)
    with lock:
        inside -= 1
    return value

def watched(function):
    def call(first, *rest):
        held = tf.numpy_function(rendezvous, [first], first.dtype, stateful=False)
        return function(tf.ensure_shape(held, first.shape), *rest)
    return call

def measured(source):
    global most
    most = 0
    return here.taken(source), most

pixels.decode_image, plain = watched(pixels.decode_image), pixels.decode_image
manifest = build_index(catalog_of_folder(Path(sys.argv[1])), Path(sys.argv[2]), 2)
streamed = measured(pixels.StreamedPixels(manifest, here.FORMAT, 2))
finish = graph.make_finish
graph.make_finish = lambda *arguments: lambda batch: watched(
    lambda ids: finish(*arguments)(batch | {"example_id": ids})
)(batch["example_id"])
pictures = np.stack([here.random_picture(seed, 16, 16) for seed in range(here.COUNT)])
packed = measured(pixels.PackedPixels(pictures, here.FORMAT))
print(json.dumps([streamed, packed]))
"""


def test_stages_are_timed_and_stay_parallel_under_op_determinism(picture_tree, tmp_path):
    # As on every GPU; a process of its own, because a process cannot go back.
    root = picture_tree({"a": 12, "b": 12})
    done = run_code(UNDER_DETERMINISM, root, tmp_path / "cache")
    assert done.code == 0, done.stderr
    (streamed, streamed_most), (packed, packed_most) = json.loads(done.stdout.strip().rpartition("\n")[2])
    assert 0 < min(streamed.values()) <= max(streamed.values()) < 10
    assert 0 < min(packed["read"], packed["augment"]) < 10
    assert (streamed_most, packed_most) == (2, 2)
