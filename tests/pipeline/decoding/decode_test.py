"""Decoded pixels: sizes, depths and the area average, against Pillow and OpenCV."""

import numpy as np
import pytest
import tensorflow as tf
from PIL import Image

from pipeline.decoding.decode import decode_image
from pipeline.decoding.pixel_format import PixelFormat
from pipeline.decoding.resize import jpeg_halvings
from tests.helpers.pictures import averaged, decode, decoder, encode, levels_apart, oriented, picture, with_pillow
from tests.helpers.shared_data import DATA


@pytest.mark.parametrize(("channels", "bit_depth"), [(3, 8), (1, 16)])
def test_eager_equals_graph_and_the_shape_is_static(channels, bit_depth):
    image_bytes = oriented(encode(picture(), "JPEG"), 6)
    pixel_format = PixelFormat.square(32, channels, bit_depth)
    in_graph = decoder(32, channels, bit_depth)
    np.testing.assert_array_equal(decode_image(tf.constant(image_bytes), pixel_format), in_graph(image_bytes))
    assert in_graph.get_concrete_function().output_shapes == pixel_format.shape
    data = tf.data.Dataset.from_tensors(image_bytes).map(lambda one: decode_image(one, pixel_format))
    assert data.element_spec == tf.TensorSpec(pixel_format.shape, tf.as_dtype(pixel_format.dtype))
    np.testing.assert_array_equal(next(iter(data)), in_graph(image_bytes))


def test_a_batch_by_map_fn():
    batch = [encode(picture(), name) for name in ("JPEG", "PNG", "GIF", "BMP", "WEBP")]
    spec = tf.TensorSpec((32, 32, 3), tf.uint8)
    pixel_format = PixelFormat.square(32)
    batched = tf.function(lambda b: tf.map_fn(lambda one: decode_image(one, pixel_format), b, fn_output_signature=spec))
    for image_bytes, image in zip(batch, batched(tf.constant(batch)).numpy(), strict=True):
        assert levels_apart(image, averaged(with_pillow(image_bytes))).max() <= 1


@pytest.mark.parametrize("format_name", ["PNG", "BMP", "GIF", "WEBP", "JPEG"])
def test_eight_bits_become_sixteen_by_257(format_name):
    image_bytes = encode(np.full((40, 40, 3), 255, np.uint8), format_name)
    assert decode(image_bytes, bit_depth=16).min() == 65535
    image_bytes = encode(np.repeat(picture((32, 32))[..., :1], 3, -1), format_name)
    assert levels_apart(decode(image_bytes, bit_depth=16), decode(image_bytes).astype(np.int64) * 257).max() <= 129


def test_sixteen_bits_survive_in_real_depth():
    files = sorted((DATA / "depth_signs").glob("*/*.png"))[::100]
    if not files:
        pytest.skip(f"no depth pictures at {DATA / 'depth_signs'}")
    for path in files:
        stored = np.asarray(Image.open(path)).astype(np.uint16)
        deep = decode(path.read_bytes(), channels=1, bit_depth=16)
        assert levels_apart(deep, averaged(stored)).max() <= 1
        assert (deep > 255).any()
        assert (deep % 256 != 0).any()
        assert decode(path.read_bytes(), channels=1).max() <= stored.max() >> 8


def photos(step: int) -> list[bytes]:
    files = sorted((DATA / "catdog_data/train").glob("*/*"))[::step]
    if not files:
        pytest.skip(f"no photos at {DATA / 'catdog_data'}")
    return [path.read_bytes() for path in files]


def test_averages_are_rounded_to_the_nearest_level():
    pixels = np.random.default_rng(6).integers(0, 256, (16, 16, 3), np.uint8)
    means = pixels.reshape(8, 2, 8, 2, 3).mean(axis=(1, 3))
    np.testing.assert_array_equal(decode(encode(pixels, "PNG"), size=8), np.rint(means))


def test_photos_equal_area_averaging():
    for image_bytes in photos(100):
        reference = with_pillow(image_bytes)
        if min(reference.shape[:2]) >= 128:
            assert levels_apart(decode(image_bytes, size=128), averaged(reference, 128)).max() <= 1


def test_decoding_at_a_fraction_of_the_size_cannot_be_seen():
    apart = [levels_apart(decode(b), averaged(with_pillow(b))).ravel() for b in photos(40)]
    apart = np.concatenate([one for one in apart if one.max() > 1])
    assert apart.mean() < 1
    assert np.percentile(apart, 99.9) <= 8


@pytest.mark.parametrize(
    ("height", "width", "side", "halvings"),
    [
        (600, 672, 100, 1),  # just three pixels for each one wanted, at half the size
        (598, 672, 100, 0),
        (672, 598, 100, 0),
        (601, 672, 100, 0),  # half of an uneven side: a sixth of a pixel would shift
        (1200, 1600, 100, 2),
        (2400, 3200, 100, 3),
        (9600, 9600, 100, 3),  # an eighth is the least there is
        (3203, 3203, 100, 2),  # one pixel added to a long side shifts less than 1/16, five shift more
        (80, 60, 100, 0),
    ],
)
def test_how_often_a_jpeg_is_halved(height, width, side, halvings):
    assert jpeg_halvings([height, width], [side, side], PixelFormat.square(side)).numpy() == halvings


def test_a_small_picture_is_enlarged_by_area():
    pixels = picture((16, 16))
    np.testing.assert_array_equal(decode(encode(pixels, "PNG")), pixels.repeat(2, 0).repeat(2, 1))
