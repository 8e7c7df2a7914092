"""The pack and the files give the same pixels for an id, in any order, for any number of threads."""

import dataclasses
import os

import numpy as np
import pytest
import tensorflow as tf

from pipeline.decoding.pack import open_or_build_pack
from pipeline.decoding.pixel_format import PixelFormat
from pipeline.pixels import PackedPixels, StreamedPixels
from pipeline.stages import StageClock

FORMAT = PixelFormat.square(16)
DEEP = PixelFormat.square(16, 1, 16)


def batches_of(pixels, ids, batch_size) -> list[dict[str, np.ndarray]]:
    """What `pixels` makes of ids in batches, as numpy; `place` is a feature that must come through."""
    places = np.arange(len(ids))
    dataset = tf.data.Dataset.from_tensor_slices({"example_id": np.asarray(ids, np.int64), "place": places})
    result = pixels.batches(dataset.batch(batch_size, drop_remainder=True), batch_size, StageClock())
    spec = result.element_spec["image"]
    assert spec.shape.as_list() == [batch_size, *pixels.pixel_format.shape]
    assert spec.dtype == tf.as_dtype(pixels.pixel_format.dtype)
    return list(result.as_numpy_iterator())


@pytest.mark.parametrize("pixel_format", [FORMAT, DEEP])
def test_pack_and_files_give_the_same_pixels(picture_tree, index_of, tmp_path, pixel_format):
    manifest = index_of(picture_tree({"a": 7, "b": 6}))
    pack = open_or_build_pack(manifest, pixel_format, tmp_path / "cache", 2)
    ids = [5, 0, 12, 12, 3, 7, 7, 1, 11, 4, 2, 9]
    packed = batches_of(PackedPixels(pack.pixels, pixel_format), ids, 4)
    for threads in (1, 3):
        streamed = batches_of(StreamedPixels(manifest, pixel_format, threads), ids, 4)
        assert len(packed) == len(streamed) == 3
        for one, two in zip(packed, streamed, strict=True):
            assert set(one) == set(two) == {"example_id", "place", "image"}
            for name, value in one.items():
                np.testing.assert_array_equal(value, two[name], strict=True)
    np.testing.assert_array_equal(np.concatenate([batch["image"] for batch in packed]), pack.pixels[ids])
    assert [batch["place"].tolist() for batch in packed] == np.arange(12).reshape(3, 4).tolist()


@pytest.mark.parametrize("pixel_format", [FORMAT, dataclasses.replace(DEEP, full_scale=4095)])
def test_pixels_are_read_in_the_order_of_their_ids(picture_tree, index_of, tmp_path, pixel_format):
    manifest = index_of(picture_tree({"a": 7, "b": 6}))
    pack = open_or_build_pack(manifest, pixel_format, tmp_path / "cache", 2)
    ids = np.array([5, 0, 12, 12, 3])
    for source in (PackedPixels(pack.pixels, pixel_format), StreamedPixels(manifest, pixel_format, 2)):
        np.testing.assert_array_equal(source.read(ids), pack.pixels[ids], strict=True)


def test_several_features_of_ids_are_read_into_a_feature_each(picture_tree, index_of, tmp_path):
    manifest = index_of(picture_tree({"a": 7, "b": 6}))
    pack = open_or_build_pack(manifest, FORMAT, tmp_path / "cache", 2)
    first, second = np.array([5, 0, 12, 3, 1, 2]), np.array([7, 7, 8, 5, 12, 0])
    dataset = tf.data.Dataset.from_tensor_slices({"example_id": first, "second_id": second}).batch(3, True)
    for source in (PackedPixels(pack.pixels, FORMAT), StreamedPixels(manifest, FORMAT, 2)):
        clock = StageClock()
        reads = {"example_id": "image", "second_id": "second_image"}
        found = list(source.batches(dataset, 3, clock, reads).as_numpy_iterator())
        for image, ids in (("image", first), ("second_image", second)):
            joined = np.concatenate([batch[image] for batch in found])
            np.testing.assert_array_equal(joined, pack.pixels[ids], strict=True)
        np.testing.assert_array_equal(np.concatenate([batch["example_id"] for batch in found]), first)
        assert clock.take()["read"] > 0


def test_files_are_opened_by_their_bytes_whatever_their_name(picture_tree, index_of):
    root = picture_tree({"a": 1, "b": 1})
    content = (root / "a" / "0000.jpg").read_bytes()
    for name in (b"caf\xe9\xff.jpg", b"line\nbreak.jpg", b"[x]*.jpg", b"with space", b"%d.jpg"):
        with open(os.path.join(os.fsencode(root), b"a", name), "wb") as file:
            file.write(content)
    manifest = index_of(root)
    (batch,) = batches_of(StreamedPixels(manifest, FORMAT, 2), range(6), 6)
    for image in batch["image"]:
        np.testing.assert_array_equal(image, batch["image"][0])
