"""What the index remembers: never believed where a bit of it flipped, shared by processes, and never needed."""

import os
import random
import shutil

import numpy as np
import pytest

from base import locks
from pipeline.sources import index
from pipeline.sources.folders import catalog_of_folder
from pipeline.sources.index import build_index
from tests.helpers.storage import file_size_limit, read_only
from tests.helpers.watches import Recording, Silence


def explode(*_):
    raise AssertionError("a file was read again")


def same(one, other) -> bool:
    """Whether two manifests agree in everything that a run depends on."""
    return one.sha256 == other.sha256 and one.quarantine == other.quarantine and np.array_equal(one.facts, other.facts)


@pytest.fixture
def catalog(picture_tree):
    """Seven pictures, one of which is none."""
    root = picture_tree({"a": 4, "b": 3})
    (root / "b" / "0002.jpg").write_text("<html>404")
    return catalog_of_folder(root)


def store_of(cache_dir):
    """The one file in the index's folder; fails where something is beside it."""
    (store,) = (cache_dir / "indexes").iterdir()
    return store


def test_a_flip_or_a_cut_anywhere_gives_the_same_index(catalog, tmp_path):
    whole = build_index(catalog, tmp_path, 1)
    content, generator, read_again = store_of(tmp_path).read_bytes(), random.Random(3), 0
    damaged = [content[: generator.randrange(len(content))] for _ in range(5)]
    for place in generator.sample(range(len(content)), 40):
        damaged.append(content[:place] + bytes([content[place] ^ 1 << generator.randrange(8)]) + content[place + 1 :])
    for version in damaged:
        store_of(tmp_path).write_bytes(version)
        assert same(build_index(catalog, tmp_path, 1), whole)
        read_again += store_of(tmp_path).read_bytes() != version
    # The others hit a time stamp or another byte that holds nothing.
    assert read_again > 0.7 * len(damaged)


def test_an_index_that_another_process_finishes_meanwhile_is_used(catalog, tmp_path, monkeypatch):
    whole = build_index(catalog, tmp_path / "other", 1)
    store = tmp_path / "cache" / "indexes" / store_of(tmp_path / "other").name
    store.parent.mkdir(parents=True)
    held = locks.acquire(store.with_name(store.name + locks.SUFFIX))

    def finish():
        shutil.copy(store_of(tmp_path / "other"), store)
        held.close()

    monkeypatch.setattr(index, "_inspect_chunk", explode)
    watch = Recording(finish)
    assert same(build_index(catalog, tmp_path / "cache", 1, watch), whole)
    assert watch.lines == ["index       another process is reading the same folders: waiting for it"]
    assert os.listdir(store.parent) == [store.name]


def test_the_wait_and_the_reading_can_be_ended(catalog, tmp_path):
    def stop():
        raise KeyError

    store = tmp_path / "indexes" / f"{index._store_name(catalog)}.npz{locks.SUFFIX}"
    store.parent.mkdir()
    with locks.acquire(store), pytest.raises(KeyError):
        build_index(catalog, tmp_path, 1, Recording(stop))
    with pytest.raises(KeyError):
        build_index(catalog, tmp_path, 1, Recording(stop))
    assert os.listdir(tmp_path / "indexes") == []


@pytest.mark.parametrize("place", ["indexes", "cache"])
def test_a_cache_that_cannot_be_written_is_said_once_and_not_needed(place, catalog, tmp_path):
    whole = build_index(catalog, tmp_path / "other", 1)
    (tmp_path / "cache").mkdir()
    where = tmp_path / "cache" / "indexes" if place == "indexes" else tmp_path / "cache" / "file"
    where.write_text("a file where the folder should be")
    watch = Recording()
    assert same(build_index(catalog, where if place == "cache" else where.parent, 1, watch), whole)
    (line,) = watch.lines
    assert line.startswith("index       warning: not kept, so the next run reads every file again (")
    assert str(where) in line


def test_a_full_disk_is_said_once_and_nothing_half_written_stays(catalog, tmp_path):
    whole = build_index(catalog, tmp_path / "other", 1)
    watch = Recording()
    with file_size_limit(100):
        assert same(build_index(catalog, tmp_path / "cache", 1, watch), whole)
    (line,) = watch.lines
    assert line.endswith(": File too large)")
    assert os.listdir(tmp_path / "cache" / "indexes") == []


def test_a_read_only_cache_is_read(catalog, small_disk, monkeypatch):
    whole = build_index(catalog, small_disk, 1)
    watch = Recording()
    with read_only(small_disk), monkeypatch.context() as patch:
        patch.setattr(index, "_inspect_chunk", explode)
        assert same(build_index(catalog, small_disk, 1, watch), whole)
    assert watch.lines == []
    os.utime(os.path.join(os.fsdecode(catalog.root), "a", "0000.jpg"))
    with read_only(small_disk):
        assert build_index(catalog, small_disk, 1, watch).sha256 == whole.sha256
    assert ["Read-only file system" in line for line in watch.lines] == [True]


def test_what_a_killed_process_left_is_removed(catalog, tmp_path):
    name = f"{index._store_name(catalog)}.npz"
    (tmp_path / "indexes").mkdir()
    (tmp_path / "indexes" / f".incomplete-{name}-x").write_text("half")
    (tmp_path / "indexes" / f"{name}{locks.SUFFIX}").write_text("")
    build_index(catalog, tmp_path, 1, Silence())
    assert store_of(tmp_path).name == name
