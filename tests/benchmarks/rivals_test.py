"""Rivals and probes that need nothing but Penstock's own environment: what they give is what is compared."""

import importlib
import itertools
import time

import numpy as np
import pytest

from base import allocator
from benchmarks import processes, worker
from benchmarks.lines import LINES, growth, memory
from benchmarks.programs import epoch_ends
from benchmarks.rivals import BATCH, SIZE
from benchmarks.settings import Settings
from pipeline.sources.folders import catalog_of_folder
from pipeline.sources.index import build_index
from training.loop import Loop

CATDOG = {f"{split}/{name}": 33 if split == "train" else 2
          for split in ("train", "validation", "test") for name in ("cats", "dogs")}  # fmt: skip


@pytest.fixture
def catdog(picture_tree):
    return picture_tree(CATDOG, suffixes=(".jpg",))


@pytest.mark.parametrize("name", ["penstock_pack", "penstock_stream", "keras_layers", "keras_layers_files"])
def test_the_first_batch_is_what_all_must_give(name, catdog):
    batches = importlib.import_module(f"benchmarks.rivals.{name}").batches(str(catdog))
    first, second = (np.asarray(batch) for batch in itertools.islice(batches, 2))
    assert first.shape == (BATCH, SIZE, SIZE, 3)
    assert first.dtype == np.float32
    assert 0 <= first.min() < 0.4, "not from 0"
    assert 0.6 < first.max() <= 1 + 1e-6, "not up to 1"
    assert len(np.unique(first.reshape(BATCH, -1), axis=0)) > BATCH / 2, "the same picture again and again"
    assert not np.array_equal(first, second)


@pytest.mark.parametrize("name", ["penstock_packing", "penstock_epoch"])
def test_a_turn_gives_a_rate_again_and_again(name, catdog, tmp_path):
    turn = importlib.import_module(f"benchmarks.rivals.{name}").turn(str(catdog), tmp_path)
    assert turn() > 0
    assert turn() > 0


def test_a_rate_counts_pictures_not_batches():
    def large_batches():
        while True:
            time.sleep(0.005)
            yield np.zeros((700, 1))

    assert worker.images_per_second(large_batches(), 0.1) > 200  # as many batches a second there cannot be


def test_every_line_can_be_measured():
    for name in LINES:
        assert callable(importlib.import_module(f"benchmarks.lines.{name}").measure)


def test_the_million_files_are_different_pictures(tmp_path):
    growth.write_files(tmp_path / "files", 0, 20)
    growth.write_files(tmp_path / "files", 20, 30)
    manifest = build_index(catalog_of_folder(tmp_path / "files"), tmp_path / "cache", 1)
    assert len(manifest) == 30
    assert not manifest.quarantine
    assert len({row.tobytes() for row in manifest.facts["sha256"]}) == 30
    assert manifest.facts["width"].tolist() == [growth.SIDE] * 30


def test_copies_are_links_to_the_same_files(picture_tree, tmp_path):
    source = picture_tree({"cats": 2, "dogs": 1})
    folder = memory.link_copies(source, tmp_path / "many", 3)
    links = sorted(folder.glob("*/*"))
    assert len(links) == 9
    assert all(link.is_symlink() and link.exists() for link in links)


def test_held_memory_grows_with_what_is_held():
    before = processes.held_bytes("self")
    held = np.ones(20_000_000, np.uint8)
    assert processes.held_bytes("self") - before > 0.9 * held.nbytes
    assert processes.held_bytes(2**31 - 1) == 0.0


def test_a_program_that_fails_says_what_it_said():
    with pytest.raises(SystemExit, match="no such thing"):
        processes.run(["python3", "-c", "raise SystemExit('no such thing')"])


def test_what_an_epoch_end_writes_is_there_to_be_timed(monkeypatch):
    class Finder(epoch_ends.Watch):
        def wrap(self, owner, name):
            found.append(callable(getattr(owner, name)))

    found = []
    monkeypatch.setattr(allocator, "keep_freed_memory", lambda: None)
    monkeypatch.setattr(Loop, "_save", Loop._save)  # put back afterwards
    epoch_ends.install(Finder())
    assert found == [True] * 4


def test_the_growth_line_runs_small(tmp_path, catdog):
    rows = growth.measure(Settings(catdog, tmp_path, rounds=1, largest=1000))
    assert rows[1]["what"] == "index of 1,000 files, first time"
    assert all(row["target"] is None for row in rows), "the targets are of a million files"
    assert rows[0]["penstock"][0] > 0


def test_of_the_most_files_only_the_first_time_is_measured_once(tmp_path, catdog, monkeypatch):
    monkeypatch.setattr(growth, "SIZES", (100,))
    rows = {row["what"]: row for row in growth.measure(Settings(catdog, tmp_path, rounds=2, largest=1000))}
    judged = {what: row["target"] for what, row in rows.items() if row["target"] is not None}
    assert judged == {
        "index of 100 files, first time": 60, "index of 100 files, unchanged": 4,
        "memory above bare TensorFlow, 100": 600,
    }  # fmt: skip
    rounds = {what: row["rounds"] for what, row in rows.items() if what.startswith("index")}
    assert rounds == {"index of 100 files, first time": 1, "index of 100 files, unchanged": 2}
