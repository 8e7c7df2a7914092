"""What the walk keeps, what it refuses and why, what it remembers, and what its hash depends on."""

import os
import shutil

import numpy as np
import pytest

from base import files
from base.splits import SPLIT_NAMES
from pipeline.sources import index
from pipeline.sources.folders import Catalog, Folder, catalog_of_folder
from pipeline.sources.index import FORMATS, NO_PICTURE, build_index
from tests.conftest import random_picture, write_picture


def reasons_of(manifest) -> dict[bytes, str]:
    """Quarantine as path -> reason."""
    return dict(manifest.quarantine)


def explode(*_):
    raise AssertionError("a file was read again")


def test_rows_are_sorted_by_label_and_path_and_hold_the_facts(picture_tree, index_of):
    root = picture_tree({"cats": 3, "dogs": 2}, height=20, width=30)
    manifest = index_of(root)
    assert manifest.paths == (
        b"cats/0000.jpg", b"cats/0001.png", b"cats/0002.jpg", b"dogs/0000.jpg", b"dogs/0001.png",
    )  # fmt: skip
    assert manifest.labels.tolist() == [0, 0, 0, 1, 1]
    assert manifest.given_splits.tolist() == [-1] * 5
    assert (manifest.class_names, len(manifest), manifest.data_origin) == (("cats", "dogs"), 5, "real")
    assert set(manifest.facts["width"]) == {30}
    assert set(manifest.facts["height"]) == {20}
    assert [FORMATS[code] for code in manifest.facts["format"]] == ["jpeg", "png", "jpeg", "jpeg", "png"]
    for row, path in enumerate(manifest.paths):
        content = (root / os.fsdecode(path)).read_bytes()
        assert manifest.source.path(row) == os.path.join(os.fsencode(root), path)
        assert manifest.facts["sha256"][row].tobytes() == index.hashlib.sha256(content).digest()
        assert manifest.facts["bytes"][row] == len(content)
        assert manifest.facts["mtime_ns"][row] == os.stat(manifest.source.path(row)).st_mtime_ns
    assert manifest.quarantine == ()


def test_depth_pictures_keep_their_depth_in_the_facts(picture_tree, index_of):
    manifest = index_of(picture_tree({"a": 1, "b": 1}, suffixes=[".png"], channels=1, bits=16))
    assert manifest.facts["bit_depth"].tolist() == [16, 16]
    assert manifest.facts["channels"].tolist() == [1, 1]


def test_split_folders_give_their_split(picture_tree, index_of):
    manifest = index_of(picture_tree({"train/a": 2, "train/b": 1, "test/a": 1, "val/b": 1}))
    found = {path: SPLIT_NAMES[code] for path, code in zip(manifest.paths, manifest.given_splits, strict=True)}
    assert {path.split(b"/")[0]: split for path, split in found.items()} == {
        b"train": "train",
        b"test": "test",
        b"val": "validation",
    }


@pytest.mark.timeout(60, method="thread")  # who opens the pipe waits for ever
def test_bad_files_are_listed_with_a_reason_and_good_ones_kept(picture_tree, index_of, tmp_path):
    root = picture_tree({"a": 2, "b": 1})
    good = (root / "a" / "0000.jpg").read_bytes()
    (root / "a" / "empty.jpg").write_bytes(b"")
    (root / "a" / "notes.txt").write_text("not a picture")
    (root / "a" / "cut.jpg").write_bytes(good[:30])
    (root / "b" / "page.png").write_text("<!DOCTYPE html><html>404")
    (root / "b" / "dangling.jpg").symlink_to("nowhere")
    (root / "b" / "loop").symlink_to(root)
    os.mkfifo(root / "b" / "pipe.jpg")
    (root / "b" / "huge.jpg").write_bytes(good)
    os.truncate(root / "b" / "huge.jpg", files.MAX_FILE_BYTES + 1)
    manifest = index_of(root)
    assert manifest.paths == (b"a/0000.jpg", b"a/0001.png", b"b/0000.jpg")
    reasons = reasons_of(manifest)
    assert reasons[b"a/empty.jpg"] == "empty file"
    assert "cut short" in reasons[b"a/cut.jpg"]
    assert "HTML" in reasons[b"b/page.png"]
    assert reasons[b"b/dangling.jpg"] == "cannot be read: No such file or directory"
    assert reasons[b"b/loop"] == "link to a folder: not followed"
    assert reasons[b"b/pipe.jpg"] == "not a regular file"
    assert str(files.MAX_FILE_BYTES) in reasons[b"b/huge.jpg"]
    assert len(reasons) == 7
    assert manifest.aside == ((b"a/notes.txt", NO_PICTURE),)
    assert list(manifest.quarantine) == sorted(manifest.quarantine)


def test_a_link_to_a_picture_is_a_picture(picture_tree, index_of):
    root = picture_tree({"a": 1, "b": 1})
    (root / "b" / "link.jpg").symlink_to(root / "a" / "0000.jpg")
    manifest = index_of(root)
    assert manifest.paths[2] == b"b/link.jpg"
    assert manifest.facts["sha256"][2].tolist() == manifest.facts["sha256"][0].tolist()


ODD_NAMES = [b"with space.jpg", b"line\nbreak.jpg", "Übung 日本.jpg".encode(), b"caf\xe9\xff.jpg", b"[x]*?.jpg",
             b"-rf.jpg", b"a,\"b'.jpg", b"Icon\r.jpg", b"no_suffix", b"percent%20.jpg"]  # fmt: skip


def test_any_name_that_a_file_can_have_works(picture_tree, tmp_path):
    root = picture_tree({"a": 1, "c[1]": 1})
    content = (root / "a" / "0000.jpg").read_bytes()
    for folder in (b"a", b"c[1]"):
        for name in ODD_NAMES:
            with open(os.path.join(os.fsencode(root), folder, name), "wb") as file:
                file.write(content)
    for _ in range(2):  # walked, then remembered
        manifest = build_index(catalog_of_folder(root), tmp_path / "cache", 2)
        assert set(manifest.paths) >= {b"c[1]/" + name for name in ODD_NAMES}
        assert len(manifest) == 2 * len(ODD_NAMES) + 2
        assert not manifest.quarantine
        for row in range(len(manifest)):
            assert os.fsencode(manifest.shown_path(row)) == manifest.paths[row]


def test_a_time_of_change_after_2262_is_a_time(picture_tree, index_of, monkeypatch):
    root = picture_tree({"a": 1, "b": 1})
    file = root / "a" / "0000.jpg"
    os.utime(file, (0, 10_413_792_000))  # 2300-01-01
    first = index_of(root)
    monkeypatch.setattr(index, "_inspect", explode)
    assert index_of(root).sha256 == first.sha256
    assert (len(first), first.has_changed(0), first.read(0)) == (2, False, file.read_bytes())
    file.write_bytes(file.read_bytes() + b"more")
    os.utime(file, (0, 10_413_792_000))
    assert first.has_changed(0)


def test_the_index_is_remembered_and_renewed_file_by_file(picture_tree, index_of, monkeypatch):
    root = picture_tree({"a": 3, "b": 3})
    (root / "a" / "bad.jpg").write_bytes(b"bad")
    first = index_of(root)
    with monkeypatch.context() as patch:
        patch.setattr(index, "read_header", explode)
        patch.setattr(index, "_inspect", explode)
        again = index_of(root)
    np.testing.assert_array_equal(first.facts, again.facts)
    assert (first.sha256, first.quarantine) == (again.sha256, again.quarantine)

    status = (root / "a" / "0000.jpg").stat()
    write_picture(root / "b" / "0001.png", random_picture(77))  # another size
    os.utime(root / "a" / "0000.jpg", ns=(status.st_atime_ns, status.st_mtime_ns + 1))  # another time
    (root / "b" / "new.png").write_bytes((root / "a" / "0001.png").read_bytes())
    (root / "b" / "0002.jpg").unlink()
    read = []
    inspect = index._inspect
    monkeypatch.setattr(index, "_inspect", lambda path: (read.append(path), inspect(path))[1])
    renewed = index_of(root)
    assert sorted(read) == [os.fsencode(root / name) for name in ("a/0000.jpg", "b/0001.png", "b/new.png")]
    assert b"b/0002.jpg" not in renewed.paths
    assert renewed.sha256 != first.sha256


def test_a_remembered_refusal_stays_with_its_file_when_others_come(picture_tree, index_of, monkeypatch):
    root = picture_tree({"a": 3, "b": 1})
    for name in ("a/0001bad.jpg", "b/bad.jpg"):
        (root / name).write_bytes(name.encode())
    os.truncate(root / "a" / "0000.jpg", 0)
    refused = reasons_of(index_of(root))
    assert set(refused) == {b"a/0000.jpg", b"a/0001bad.jpg", b"b/bad.jpg"}
    write_picture(root / "a" / "0000new.png", random_picture(5))
    (root / "a" / "0002.jpg").unlink()
    read = []
    inspect = index._inspect
    monkeypatch.setattr(index, "_inspect", lambda path: (read.append(path), inspect(path))[1])
    again = index_of(root)
    assert read == [os.fsencode(root / "a" / "0000new.png")]
    assert reasons_of(again) == refused
    assert again.paths == (b"a/0000new.png", b"a/0001.png", b"b/0000.jpg")
    assert [again.facts["bytes"][row] for row in range(3)] == [
        os.stat(again.source.path(row)).st_size for row in range(3)
    ]


def test_a_file_that_could_not_be_read_is_tried_again(picture_tree, index_of, monkeypatch):
    root = picture_tree({"a": 2, "b": 1})

    def deny(path):
        if path.endswith(b"a/0000.jpg"):
            raise PermissionError(13, "Permission denied")
        return files.read_file(path)

    with monkeypatch.context() as patch:
        patch.setattr(index, "read_file", deny)
        assert index_of(root).quarantine == ((b"a/0000.jpg", "cannot be read: Permission denied"),)
    assert not index_of(root).quarantine


@pytest.mark.skipif(os.geteuid() == 0, reason="root reads everything")
def test_files_and_folders_without_permission_are_listed(picture_tree, index_of):
    root = picture_tree({"a": 2, "b": 1, "b/locked": 1})
    (root / "a" / "0000.jpg").chmod(0)
    (root / "b" / "locked").chmod(0)
    try:
        assert set(reasons_of(index_of(root))) == {b"a/0000.jpg", b"b/locked"}
    finally:
        (root / "b" / "locked").chmod(0o700)


@pytest.mark.parametrize("damage", [b"", b"PK\3\4 not a zip", b"text", "half", "flip"])
def test_a_damaged_store_is_ignored_and_written_again(picture_tree, index_of, tmp_path, damage):
    root = picture_tree({"a": 2, "b": 2})
    first = index_of(root)
    (store,) = (tmp_path / "cache" / "indexes").iterdir()
    content = bytearray(store.read_bytes())
    if damage == "half":
        damage = content[: len(content) // 2]
    elif damage == "flip":
        content[len(content) // 2] ^= 4
        damage = content
    store.write_bytes(damage)
    assert index_of(root).sha256 == first.sha256
    assert index_of(root).sha256 == first.sha256


def test_the_hash_follows_contents_paths_labels_and_splits_not_times_and_places(picture_tree, tmp_path):
    root = picture_tree({"a": 2, "b": 2})

    def sha(place, **changes) -> str:
        catalog = catalog_of_folder(place)
        catalog = Catalog(**({**vars(catalog), **changes}))
        return build_index(catalog, tmp_path / "cache", 1).sha256

    first = sha(root)
    moved = shutil.copytree(root, tmp_path / "moved", copy_function=shutil.copyfile)
    assert sha(moved) == first
    os.utime(moved / "a" / "0000.jpg", (1, 1))
    assert sha(moved) == first
    assert sha(moved, class_names=("a", "c")) != first
    assert sha(moved, folders=(Folder(b"a", 1), Folder(b"b", 0))) != first
    assert sha(moved, folders=(Folder(b"a", 0, "train"), Folder(b"b", 1, "test"))) != first
    (moved / "a" / "0000.jpg").rename(moved / "a" / "0000x.jpg")
    assert sha(moved) != first
    (moved / "a" / "0000x.jpg").rename(moved / "a" / "0000.jpg")
    assert sha(moved) == first
    content = bytearray((moved / "b" / "0000.jpg").read_bytes())
    content[-3] ^= 1
    (moved / "b" / "0000.jpg").write_bytes(content)
    assert sha(moved) != first
