"""A source gives names, stamps and bytes by id: pictures that are no files go through the one pipeline."""

import dataclasses

import numpy as np
import pytest

from base.errors import UserError
from pipeline.decoding.check import check_pictures
from pipeline.decoding.pack import open_or_build_pack
from pipeline.decoding.pixel_format import PixelFormat
from pipeline.pixels import StreamedPixels
from pipeline.sources.source import Stamp
from tests.pipeline.changes_test import batches_of

FORMAT = PixelFormat.square(16)


class Memory:
    """A Source of bytes that are held in memory."""

    def __init__(self, records: dict[bytes, bytes], stamps: list[Stamp]):
        self.names = tuple(records)
        self.contents, self.stamps = list(records.values()), stamps

    def stamp(self, example_id: int) -> Stamp:
        return self.stamps[example_id]

    def read(self, example_id: int) -> tuple[bytes, Stamp]:
        return self.contents[example_id], self.stamps[example_id]


@pytest.fixture
def twins(picture_tree, index_of):
    """The same examples twice: (their manifest as files, as records in memory)."""
    files = index_of(picture_tree({"a": 3, "b": 4}))
    records = {name: files.read(example_id) for example_id, name in enumerate(files.paths)}
    stamps = [files.source.stamp(example_id) for example_id in range(len(files))]
    return files, dataclasses.replace(files, source=Memory(records, stamps))


def test_names_and_contents_are_the_manifests(twins):
    files, memory = twins
    assert memory.sha256 == files.sha256
    assert [memory.shown_path(one) for one in range(7)] == [files.shown_path(one) for one in range(7)]
    assert memory.read(3) == files.read(3)


def test_pictures_that_are_no_files_are_checked_packed_and_streamed_to_the_same_pixels(twins, tmp_path):
    assert check_pictures(twins[1], FORMAT, 2).refused == {}
    packed = [open_or_build_pack(one, FORMAT, tmp_path / name, 2).pixels for one, name in zip(twins, "fm", strict=True)]
    np.testing.assert_array_equal(*packed, strict=True)
    streamed = [StreamedPixels(one, FORMAT, 2) for one in twins]
    np.testing.assert_array_equal(*(one.read([5, 0, 6]) for one in streamed), strict=True)
    for one, other in zip(*(batches_of(pixels, range(7), 3) for pixels in streamed), strict=True):
        np.testing.assert_array_equal(one["image"], other["image"], strict=True)
        np.testing.assert_array_equal(one["example_id"], other["example_id"])


def test_a_record_that_has_changed_is_named(twins):
    _, memory = twins
    memory.source.stamps[2] = Stamp(memory.source.stamps[2].bytes, 0)
    streamed = StreamedPixels(memory, FORMAT, 2)
    with pytest.raises(UserError, match=r"^'a/0002.jpg' has changed .* \(its time of change is another\)"):
        memory.read(2)
    with pytest.raises(UserError, match=r"^'a/0002.jpg' has changed"), streamed.naming_changes():
        batches_of(streamed, range(7), 3)
