"""Which entries of a folder are files to look at, in an order that the disk has no say in."""

import contextlib
import itertools
import os

from pipeline.sources import walk
from pipeline.sources.folders import Catalog, Folder, catalog_of_folder
from pipeline.sources.index import build_index


def test_hidden_files_are_passed_over_and_deep_ones_found(picture_tree, index_of):
    root = picture_tree({"a": 1, "b": 1, "b/deep/er": 1, "b/.cache": 1})
    (root / "a" / ".DS_Store").write_text("x")
    (root / "a" / "Thumbs.db").write_text("x")
    manifest = index_of(root)
    assert manifest.paths == (b"a/0000.jpg", b"b/0000.jpg", b"b/deep/er/0000.jpg")
    assert not manifest.quarantine
    assert [path for path, _ in manifest.aside] == [b"a/Thumbs.db"]


def test_order_and_hash_do_not_depend_on_the_order_of_the_folder(picture_tree, tmp_path, monkeypatch):
    root = picture_tree({"a": 5, "b": 5})
    catalog = catalog_of_folder(root)
    forward = build_index(catalog, tmp_path / "one", 1)
    scandir = os.scandir

    def backwards(path):
        return contextlib.nullcontext(sorted(scandir(path), key=lambda entry: entry.name)[::-1])

    monkeypatch.setattr(walk.os, "scandir", backwards)
    backward = build_index(catalog, tmp_path / "two", 2)
    assert forward.paths == backward.paths
    assert forward.labels.tolist() == backward.labels.tolist()
    assert forward.sha256 == backward.sha256


def test_a_folder_that_cannot_be_read_is_listed(picture_tree, index_of, monkeypatch):
    root = picture_tree({"a": 1, "b": 1, "b/locked": 2})
    open_ = os.open

    def deny(path, flags, *rest):
        if os.fsencode(path).endswith(b"locked"):
            raise PermissionError(13, "Permission denied")
        return open_(path, flags, *rest)

    monkeypatch.setattr(walk.os, "open", deny)
    manifest = index_of(root)
    assert manifest.quarantine == ((b"b/locked", "folder cannot be read: Permission denied"),)
    assert len(manifest) == 2


def test_a_folder_that_becomes_unreadable_halfway_keeps_what_was_seen(picture_tree, monkeypatch):
    root = picture_tree({"a": 4, "b": 2})
    scandir, bad_folder = os.scandir, (root / "a").stat().st_ino

    def fail():
        raise OSError(5, "Input/output error")
        yield

    @contextlib.contextmanager
    def failing(handle):
        with scandir(handle) as entries:
            fails = os.fstat(handle).st_ino == bad_folder
            yield itertools.chain(itertools.islice(entries, 3), fail()) if fails else entries

    catalog = catalog_of_folder(root)
    monkeypatch.setattr(walk.os, "scandir", failing)
    found = walk.walk(catalog)
    assert found.refused == [(b"a", "folder cannot be read: Input/output error")]
    assert found.labels.tolist() == [0, 0, 0, 1, 1]
    assert [(root / os.fsdecode(path)).stat().st_size for path in found.paths] == found.bytes.tolist()


def test_columns_are_sorted_by_label_then_path_and_stay_in_step(tmp_path):
    sizes = {b"two/z": 3, b"one/b/c": 5, b"one/b.x": 4, b"two/a": 1, b"one/a": 2, b"extra/k": 6}
    for path, size in sizes.items():
        file = tmp_path / os.fsdecode(path)
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(b"x" * size)
        os.utime(file, ns=(0, 1000 + size))
    folders = (Folder(b"two", 1, "test"), Folder(b"one", 0, "train"), Folder(b"extra", 1, ""))
    found = walk.walk(Catalog(os.fsencode(tmp_path), ("first", "second"), folders))
    assert found.paths == [b"one/a", b"one/b.x", b"one/b/c", b"extra/k", b"two/a", b"two/z"]
    assert found.labels.tolist() == [0, 0, 0, 1, 1, 1]
    assert found.given_splits.tolist() == [0, 0, 0, -1, 2, 2]
    assert found.bytes.tolist() == [sizes[path] for path in found.paths]
    assert found.mtime_ns.tolist() == [1000 + sizes[path] for path in found.paths]
    assert (len(found), found.refused) == (6, [])


def test_names_are_in_the_order_of_their_bytes_whatever_letters_they_are(tmp_path):
    # As text the second would come last: what is no UTF-8 stands for letters that Unicode has before it.
    names = [b"a", "\u00e9".encode(), "\U00010000".encode(), b"\xff"]
    for size, name in enumerate(names):
        file = os.path.join(os.fsencode(tmp_path), b"one", b"deep", name)
        os.makedirs(os.path.dirname(file), exist_ok=True)
        with open(file, "wb") as opened:
            opened.write(b"x" * size)
        os.symlink(file, os.path.join(os.fsencode(tmp_path), b"one", b"link-" + name))
    found = walk.walk(Catalog(os.fsencode(tmp_path), ("first",), (Folder(b"one", 0),)))
    assert found.paths == [b"one/deep/" + name for name in names] + [b"one/link-" + name for name in names]
    assert found.bytes.tolist() == [0, 1, 2, 3] * 2
