"""What lies among pictures and never was one is set apart from what should be one and is broken."""

import pytest

from pipeline.sources.folders import catalog_of_folder
from pipeline.sources.index import NO_PICTURE, build_index
from pipeline.sources.picture_like import begins_as_picture, is_picture_name

SIDECARS = {
    "0000.json": b'{"label": 1}', "0000.xml": b"<?xml version='1.0'?><annotation/>", "0000.txt": b"0 0.5 0.5 1 1",
    "labels.csv": b"path,label\n", "Thumbs.db": b"\xd0\xcf\x11\xe0", "desktop.ini": b"[.ShellClassInfo]",
    "checksums": b"BMW is no bitmap", "empty": b"", "notes.txt": b"P1 is what it says", "a.npy": b"\x93NUMPY",
    "clip.mp4": b"\0\0\0\x18ftypmp42", "weights.dat": b"\0\0\1\0" * 9, "zeros": bytes(300),
}  # fmt: skip
BROKEN = {
    "a.jpg": b"", "b.JPEG": b"<html>404", "c.png": b'{"label": 1}', "d.webp": b"RIFF", "e.tif": b"II*\0",
    "f.bmp": b"BM",
    "g.svg": b"<svg/>", "h": b"\xff\xd8\xff\xe0 cut", "i.dat": b"\x89PNG\r\n\x1a\n", "j.txt": b"II*\0tiff",
    "k": b"\0\0\0\x18ftypheic", "l.jpg": b"version https://git-lfs.github.com/spec/v1\n",
}  # fmt: skip


@pytest.mark.parametrize("name", SIDECARS)
def test_a_file_that_never_was_a_picture(name):
    assert not is_picture_name(name.encode())
    assert not begins_as_picture(SIDECARS[name])


@pytest.mark.parametrize("name", BROKEN)
def test_a_file_that_should_be_a_picture(name):
    assert is_picture_name(name.encode()) or begins_as_picture(BROKEN[name])


def test_sidecars_are_left_aside_and_broken_pictures_refused(picture_tree, tmp_path):
    root = picture_tree({"a": 3, "b": 3})
    clean = build_index(catalog_of_folder(root), tmp_path / "cache", 1)
    for name, content in SIDECARS.items():
        (root / "a" / name).write_bytes(content)
    catalog = catalog_of_folder(root)
    first, again = (build_index(catalog, tmp_path / "cache", 2) for _ in range(2))
    for manifest in (first, again):
        assert manifest.quarantine == ()
        assert dict(manifest.aside) == {b"a/" + name.encode(): NO_PICTURE for name in SIDECARS}
        # A run is the same run whatever lies beside its pictures.
        assert manifest.sha256 == clean.sha256
    for name, content in BROKEN.items():
        (root / "b" / name).write_bytes(content)
    broken = build_index(catalog, tmp_path / "cache", 2)
    assert {path for path, _ in broken.quarantine} == {b"b/" + name.encode() for name in BROKEN}
    assert len(broken.aside) == len(SIDECARS)


def test_a_picture_by_another_name_is_a_picture(picture_tree, index_of):
    root = picture_tree({"a": 1, "b": 1})
    content = (root / "a" / "0000.jpg").read_bytes()
    for name in ("no_suffix", "photo.dat", "photo.txt", "photo.json"):
        (root / "a" / name).write_bytes(content)
    manifest = index_of(root)
    assert len(manifest) == 6
    assert not manifest.aside


def test_what_cannot_be_opened_is_judged_by_its_name(picture_tree, index_of):
    root = picture_tree({"a": 1, "b": 1})
    for name in ("x.jpg", "Thumbs.db"):
        (root / "a" / name).symlink_to("nowhere")
    manifest = index_of(root)
    assert manifest.quarantine == ((b"a/x.jpg", "cannot be read: No such file or directory"),)
    assert manifest.aside == ((b"a/Thumbs.db", "cannot be read: No such file or directory"),)
