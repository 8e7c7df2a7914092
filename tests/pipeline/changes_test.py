"""Pictures that change while a program reads them: one line with the file's name, never another picture's pixels."""

import os
import shutil
import time

import numpy as np
import pytest
import tensorflow as tf

from base.errors import UserError
from pipeline import pixels
from pipeline.decoding import check
from pipeline.decoding.check import check_pictures
from pipeline.decoding.pack import load_or_make_verdict, open_or_build_pack
from pipeline.decoding.pixel_format import PixelFormat
from pipeline.pixels import PackedPixels, StreamedPixels
from tests.conftest import random_picture, write_picture
from tests.pipeline.pixels_test import batches_of

FORMAT = PixelFormat.square(16)


def delete(path):
    path.unlink()


def cut(path):
    path.write_bytes(path.read_bytes()[:-100])


def replace_by_as_many_bytes(path):
    """Another good picture of the same size, a moment later."""
    size, seed = path.stat().st_size, 77
    other = path.with_name(".other.png")
    while not (other.exists() and other.stat().st_size <= size):
        write_picture(other, random_picture(seed, height=10, width=12))
        seed += 1
    content = other.read_bytes()
    other.unlink()
    path.write_bytes(content + bytes(size - len(content)))
    os.utime(path, ns=(0, time.time_ns() + 10_000_000))


def put_a_pipe_there(path):
    path.unlink()
    os.mkfifo(path)


def put_a_folder_there(path):
    path.unlink()
    path.mkdir()


CHANGES = {
    delete: "No such file or directory",
    cut: r"\d+ bytes, not \d+",
    replace_by_as_many_bytes: "its time of change is another",
    put_a_pipe_there: r"0 bytes, not \d+|not a regular file",
    put_a_folder_there: r"\d+ bytes, not \d+|a folder: .*",
}
each_change = pytest.mark.parametrize("change", CHANGES, ids=lambda change: change.__name__)
in_time = pytest.mark.timeout(60, method="thread")  # who opens the pipe waits for ever


@pytest.fixture
def indexed(picture_tree, index_of):
    """(manifest, the path of its example 2)."""
    root = picture_tree({"a": 2, "b": 2}, suffixes=[".png"])
    return index_of(root), root / "b" / "0000.png"


def line(change) -> str:
    return (
        rf"^'b/0000\.png' has changed since this program indexed it \(({CHANGES[change]})\): .*; put it back, or start"
    )


@in_time
@each_change
def test_a_changed_file_is_named_where_it_is_read(change, indexed):
    manifest, path = indexed
    assert not manifest.has_changed(2)
    assert manifest.read(2) == path.read_bytes()
    change(path)
    assert manifest.has_changed(2)
    for read in (lambda: manifest.read(2), lambda: manifest.check_unchanged(range(4))):
        with pytest.raises(UserError, match=line(change)):
            read()
    assert not manifest.has_changed(1)
    manifest.check_unchanged([0, 1, 3])


@in_time
@each_change
def test_no_pack_and_no_verdict_is_made_of_a_changed_file(change, indexed, tmp_path):
    """It would be kept under the hash of what the file was, and be given to whoever has that file."""
    manifest, path = indexed
    change(path)
    for make in (open_or_build_pack, load_or_make_verdict):
        with pytest.raises(UserError, match=line(change)):
            make(manifest, FORMAT, tmp_path / "cache", 2)
    assert not [
        found for found in (tmp_path / "cache").rglob("*") if found.is_file() and found.parent.name != "indexes"
    ]


@in_time
@pytest.mark.parametrize("change", [delete, put_a_pipe_there])  # each takes a graph: the others are told above
def test_streaming_names_a_file_that_has_changed(change, indexed):
    manifest, path = indexed
    change(path)
    streamed = StreamedPixels(manifest, FORMAT, 2)
    with pytest.raises(UserError, match=line(change)), streamed.naming_changes():
        batches_of(streamed, range(4), 2)


def test_a_file_that_changes_as_it_is_read_is_noticed_after(indexed, monkeypatch):
    """Every look before the read finds it unchanged; the pixels must not be used."""
    manifest, path = indexed
    read_file = tf.io.read_file

    def change_and_read(name):
        def change(name):
            if name.endswith(b"b/0000.png"):
                replace_by_as_many_bytes(path)
            return name

        return read_file(tf.numpy_function(change, [name], tf.string))

    monkeypatch.setattr(pixels.tf.io, "read_file", change_and_read)
    streamed = StreamedPixels(manifest, FORMAT, 1)
    with pytest.raises(UserError, match=line(replace_by_as_many_bytes)), streamed.naming_changes():
        batches_of(streamed, range(4), 2)


def test_a_file_that_another_one_is_moved_over_is_noticed_whatever_its_age(indexed):
    manifest, path = indexed
    other = path.with_name("0001.png")
    shutil.copystat(path, other)
    content = other.read_bytes()
    os.utime(other, ns=(0, manifest.facts["mtime_ns"][2] - 10**9))
    os.replace(other, path)
    assert path.read_bytes() == content
    assert manifest.has_changed(2)


def test_errors_of_other_kinds_pass_through(indexed):
    streamed = StreamedPixels(indexed[0], FORMAT, 2)
    with pytest.raises(tf.errors.InternalError, match="another"), streamed.naming_changes():
        raise tf.errors.InternalError(None, None, "another thing")
    with (
        pytest.raises(UserError, match=r"cannot be read any more: /a/x\.png; Permission denied; check"),
        streamed.naming_changes(),
    ):
        raise tf.errors.PermissionDeniedError(None, None, "/a/x.png; Permission denied\n\t [[{{node ReadFile}}]]")


def test_packed_pixels_do_not_look_at_the_files_again(indexed, tmp_path):
    manifest, path = indexed
    pack = open_or_build_pack(manifest, FORMAT, tmp_path / "cache", 2)
    packed = PackedPixels(pack.pixels, FORMAT)
    before = batches_of(packed, range(4), 2)
    shutil.rmtree(path.parents[1])
    with packed.naming_changes():
        after = batches_of(packed, range(4), 2)
    for one, two in zip(before, after, strict=True):
        np.testing.assert_array_equal(one["image"], two["image"])


def test_too_little_memory_is_no_verdict_on_a_picture(indexed, monkeypatch):
    def exhausted(_):
        raise tf.errors.ResourceExhaustedError(None, None, "OOM when allocating tensor")

    monkeypatch.setattr(check, "decoder", lambda pixel_format: exhausted)
    with pytest.raises(
        UserError, match=r"'a/0000.png', 32 x 24 pixels: not enough memory .* 2 .* give fewer --threads"
    ):
        check_pictures(indexed[0], FORMAT, 2)
