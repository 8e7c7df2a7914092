"""Pictures of any size that an index accepts have the same pixels by whichever path, and none is an error."""

from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf

from pipeline.decoding.check import check_pictures, decoder
from pipeline.decoding.decode import decode_image
from pipeline.decoding.pack import open_or_build_pack
from pipeline.decoding.pixel_format import PixelFormat
from pipeline.decoding.plain_jpeg import are_plain
from pipeline.pixels import PackedPixels, StreamedPixels
from tests.conftest import random_picture
from tests.helpers.pictures import encode, oriented
from tests.pipeline.decoding.resize_test import ORANGE, SIZES
from tests.pipeline.pixels_test import batches_of

PATHS = [
    PixelFormat(20, 30, background=ORANGE, resize="crop"),
    PixelFormat.square(24, 3, 16, background=ORANGE, resize="pad"),
    PixelFormat(33, 17, 1, 16, resize="squash"),
]
MORE_PATHS = [
    PixelFormat.square(24, 1, resize="crop"),
    PixelFormat(20, 30, background=ORANGE, resize="pad"),
    PixelFormat(9, 64, 3, 16, resize="squash"),
]


def named(pixel_format: PixelFormat) -> str:
    return f"{pixel_format.resize}-{'x'.join(map(str, pixel_format.shape))}-{pixel_format.bit_depth}"


@pytest.mark.parametrize("pixel_format", PATHS, ids=named)
def test_pictures_of_any_size_have_the_same_bits_by_every_path(pixel_format, tmp_path, index_of):
    check_every_path(pixel_format, 13, tmp_path, index_of)


@pytest.mark.slow
@pytest.mark.parametrize("pixel_format", [*PATHS, *MORE_PATHS], ids=named)
def test_hundreds_of_sizes_have_the_same_bits_by_every_path(pixel_format, tmp_path, index_of):
    check_every_path(pixel_format, 400, tmp_path, index_of)


def check_every_path(pixel_format: PixelFormat, more: int, folder: Path, index_of) -> None:
    """Line by line, in a graph, by the short way of JPEGs, streamed and packed; none is an error once it is indexed."""
    generator, root = np.random.default_rng(23), folder / "pictures"
    sizes = [*SIZES, *np.exp(generator.uniform(0, 6.5, (more, 2))).astype(int).clip(1).tolist()]
    for name in ("a", "b"):
        (root / name).mkdir(parents=True)
    for number, size in enumerate(sizes):
        pixels = random_picture(number, *size)
        image_bytes = encode(pixels, "PNG") if number % 4 == 0 else encode(pixels, "JPEG", quality=90)
        if number % 4 == 1:
            image_bytes = oriented(image_bytes, 1 + number % 8)
        suffix = "png" if number % 4 == 0 else "jpg"
        (root / "ab"[number % 2] / f"{number:03}.{suffix}").write_bytes(image_bytes)
    manifest, checked = index_of(root), {}
    assert len(manifest) == len(sizes)
    assert 9 < are_plain(manifest.facts, pixel_format).sum() < len(sizes)
    verdict = check_pictures(manifest, pixel_format, 2, lambda one, image: checked.update({one: image.copy()}))
    assert not verdict.refused
    for one in range(len(manifest)):
        content = tf.constant(manifest.read(one))
        line_by_line = decode_image(content, pixel_format).numpy()
        np.testing.assert_array_equal(decoder(pixel_format)(content), line_by_line)
        np.testing.assert_array_equal(checked[one], line_by_line, strict=True)
    expected = np.stack([checked[one] for one in range(len(manifest))])
    pack = open_or_build_pack(manifest, pixel_format, folder / "cache", 2)
    np.testing.assert_array_equal(pack.pixels, expected, strict=True)
    for source in (StreamedPixels(manifest, pixel_format, 2), PackedPixels(pack.pixels, pixel_format)):
        images = np.concatenate([batch["image"] for batch in batches_of(source, range(len(manifest)), 9)])
        np.testing.assert_array_equal(images, expected[: len(images)])
