"""The short way gives the pixels of the long one, takes no picture that needs the long one, and no other file."""

import os

import numpy as np
import pytest
import tensorflow as tf

from base.errors import BadImage, UserError
from pipeline.decoding import check
from pipeline.decoding.check import check_pictures, decoder, together
from pipeline.decoding.pixel_format import RESIZES, PixelFormat
from pipeline.decoding.plain_jpeg import GROUP, MOST_PIXELS, are_plain, sizes
from pipeline.decoding.resize import jpeg_halvings
from pipeline.pixels import StreamedPixels
from tests.conftest import random_picture, write_picture
from tests.helpers.mutations import facts_of
from tests.helpers.pictures import encode, oriented, picture
from tests.helpers.shared_data import ODD
from tests.pipeline.pixels_test import batches_of

FORMAT = PixelFormat.square(16)
FORMATS = [
    FORMAT,
    PixelFormat.square(24, 1, 16),
    PixelFormat.square(20, 1),
    PixelFormat.square(112, 3, 16),
    PixelFormat(20, 30, resize="crop"),
    PixelFormat(40, 17, 1, 16, background=(255, 128, 0), resize="pad"),
]


def jpegs() -> dict[str, bytes]:
    """One of every kind that there is."""
    colored, gray = picture((95, 63)), picture((50, 41), 1)[..., 0]
    made = {
        "4:2:0": encode(colored, "JPEG", subsampling=2),
        "4:2:2": encode(colored, "JPEG", subsampling=1),
        "4:4:4": encode(colored, "JPEG", subsampling=0),
        "progressive": encode(colored, "JPEG", progressive=True),
        "optimized": encode(colored, "JPEG", optimize=True, quality=30),
        "restarts": encode(colored, "JPEG", restart_marker_blocks=2),
        "rgb": encode(colored, "JPEG", keep_rgb=True),
        "commented": encode(colored, "JPEG", comment=b"\xff\xd8\xff\xe1 no segment"),
        "gray": encode(gray, "JPEG"),
        "one pixel": encode(colored[:1, :1], "JPEG"),
        "wide": encode(picture((300, 7)), "JPEG"),
        "upright": oriented(encode(colored, "JPEG"), 1),
        "small": encode(picture((10, 9)), "JPEG"),
    }
    found = {str(path): path.read_bytes() for path in sorted(ODD.glob("jpeg_*/*"))}
    return made | {name: content for name, content in found.items() if is_indexed(content)}


def is_indexed(content: bytes) -> bool:
    try:
        return bool(facts_of(content).size)
    except BadImage:
        return False


def sized(contents) -> np.ndarray:
    return sizes(np.concatenate([facts_of(content) for content in contents]))


@pytest.mark.parametrize("pixel_format", FORMATS, ids=str)
def test_pixels_are_those_of_the_long_way_bit_for_bit(pixel_format):
    plain = {name: content for name, content in jpegs().items() if are_plain(facts_of(content), pixel_format).all()}
    assert {"4:2:0", "4:2:2", "4:4:4", "progressive", "restarts", "rgb", "gray", "one pixel", "upright"} <= set(plain)
    decode, one_by_one = together(pixel_format), decoder(pixel_format)
    # Damaged ones may be refused, by both ways, and would take their group with them.
    good = {}
    for name, content in plain.items():
        try:
            good[name] = (content, one_by_one(tf.constant(content)).numpy())
        except tf.errors.InvalidArgumentError:
            with pytest.raises(tf.errors.InvalidArgumentError):
                decode([content], sized([content]))
    names = list(good)
    for first in range(0, len(names), GROUP):
        contents, expected = zip(*(good[name] for name in names[first : first + GROUP]), strict=True)
        np.testing.assert_array_equal(decode(contents, sized(contents)), np.stack(expected), strict=True)


@pytest.mark.parametrize(
    "content",
    [
        oriented(encode(picture(), "JPEG"), 6),
        encode(picture(), "JPEG", mode="CMYK"),
        *[encode(picture(), name) for name in ("PNG", "GIF", "BMP", "WEBP")],
        encode(np.zeros((1025, 1024, 3), np.uint8), "JPEG"),
        encode(picture((96, 96)), "JPEG"),  # 6 times the side of 16: the decoder halves it
    ],
    ids=["oriented", "CMYK", "PNG", "GIF", "BMP", "WebP", "large", "halved"],
)
def test_what_needs_the_long_way_is_not_plain(content):
    assert not are_plain(facts_of(content), FORMAT).any()
    assert are_plain(facts_of(encode(picture(), "JPEG")), FORMAT).all()


@pytest.mark.parametrize("resize", RESIZES)
@pytest.mark.parametrize("sides", [(8, 8), (16, 16), (112, 112), (224, 224), (60, 90), (24, 9)])
def test_no_plain_picture_would_be_halved(sides, resize):
    generator, wanted, pixel_format = np.random.default_rng(5), np.array(sides), PixelFormat(*sides, resize=resize)
    near = generator.integers(1, 14 * wanted, (400, 2))
    near[:9] = 6 * wanted - np.array([[4, 4], [3, 3], [2, 2], [1, 1], [0, 0], [-1, -1], [1, 0], [2, 0], [1, 999]])
    near = near.clip(1)
    facts = np.repeat(facts_of(encode(picture(), "JPEG")), len(near))
    facts["height"], facts["width"] = near.T
    plain = are_plain(facts, pixel_format)
    halved = np.array([jpeg_halvings(size, sides, pixel_format).numpy() > 0 for size in near])
    assert plain.any()
    assert halved.any()
    assert not (plain & halved).any()
    ratios = near / wanted
    decides = ratios.max(axis=1) if resize == "pad" else ratios.min(axis=1)
    assert (plain | halved | (decides >= 6) | (near.prod(axis=1) > MOST_PIXELS)).all()


def others_of_the_same_size(content: bytes) -> dict[str, bytes]:
    """Files that are as many bytes and none that the index took for this one."""
    height, width = sized([content])[0]
    even = np.full((height, width, 3), 9, np.uint8)  # few bytes, in every format
    turned = encode(random_picture(3, width, height), "JPEG", quality=20)
    whole = {name: encode(even, name) for name in ("PNG", "GIF")}
    return whole | {"cut": content[: len(content) // 2], "turned": turned, "nothing": b""}


@pytest.mark.parametrize("name", ["cut", "turned", "nothing", "PNG", "GIF"])
def test_another_file_with_the_stamp_of_an_indexed_one_is_named(picture_tree, index_of, name):
    """Its size and its time of change are as they were, so that only its contents tell."""
    root = picture_tree({"a": 8, "b": 8}, suffixes=[".jpg"], height=31, width=44)
    manifest, path = index_of(root), root / "b" / "0003.jpg"
    assert are_plain(manifest.facts, FORMAT).all()
    content, status = path.read_bytes(), path.stat()
    other = others_of_the_same_size(content)[name]
    assert len(other) <= len(content), name
    path.write_bytes(other + bytes(len(content) - len(other)))
    os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))
    manifest.check_unchanged(range(16))
    streamed = StreamedPixels(manifest, FORMAT, 2)
    words = r"^'b/0003\.jpg' has changed since .* \(its contents are others, at the same size and time of change\): "
    with pytest.raises(UserError, match=words), streamed.naming_changes():
        batches_of(streamed, range(16), 8)


@pytest.mark.parametrize("threads", [1, 2])
def test_a_bad_picture_of_a_group_is_refused_alone(picture_tree, index_of, threads):
    root = picture_tree({"a": 11, "b": 10}, suffixes=[".jpg"])
    for path in (root / "a" / "0002.jpg", root / "b" / "0009.jpg"):  # in the first group, and in the last, short one
        path.write_bytes(path.read_bytes()[:700])
    manifest, pixels = index_of(root), {}
    assert are_plain(manifest.facts, FORMAT).all()
    verdict = check_pictures(manifest, FORMAT, threads, lambda one, image: pixels.update({one: image}))
    assert sorted(verdict.refused) == [2, 20]
    assert sorted(pixels) == sorted({*range(21)} - {2, 20})
    for example_id, image in pixels.items():
        expected = decoder(FORMAT)(tf.constant(manifest.read(example_id))).numpy()
        np.testing.assert_array_equal(image, expected, strict=True)
        assert verdict.peaks[example_id] == expected.max()


def test_good_jpegs_never_take_the_long_way(picture_tree, index_of, monkeypatch):
    manifest = index_of(picture_tree({"a": 10, "b": 9}, suffixes=[".jpg"]))
    monkeypatch.setattr(check, "decoder", lambda _: pytest.fail("one by one"))
    assert not check_pictures(manifest, FORMAT, 2).refused


def test_a_group_for_which_the_memory_does_not_suffice_is_decoded_one_by_one(picture_tree, index_of, monkeypatch):
    manifest, seen = index_of(picture_tree({"a": 9, "b": 9}, suffixes=[".jpg"])), []

    def exhausted(*_):
        raise tf.errors.ResourceExhaustedError(None, None, "OOM")

    monkeypatch.setattr(check, "together", lambda _: exhausted)
    assert not check_pictures(manifest, FORMAT, 2, lambda one, _: seen.append(one)).refused
    assert sorted(seen) == list(range(18))


@pytest.mark.parametrize("batch_size", [1, 6, 7, 8, 11, 16])
def test_groups_of_any_size_stream_the_same_pixels(picture_tree, index_of, batch_size):
    manifest, expected = index_of(picture_tree({"a": 9, "b": 8}, suffixes=[".jpg"])), {}
    check_pictures(manifest, FORMAT, 2, lambda one, image: expected.update({one: image}))
    ids = np.random.default_rng(1).permutation(17)[: 17 // batch_size * batch_size]
    batches = batches_of(StreamedPixels(manifest, FORMAT, 3), ids, batch_size)
    images = np.concatenate([batch["image"] for batch in batches])
    np.testing.assert_array_equal(images, np.stack([expected[one] for one in ids]), strict=True)


def test_a_folder_of_jpegs_and_others_streams_each_by_its_way(picture_tree, index_of):
    root = picture_tree({"a": 6, "b": 6}, suffixes=[".jpg", ".png"])
    turned = oriented(encode(random_picture(9), "JPEG"), 6)
    (root / "a" / "0000.jpg").write_bytes(turned)
    write_picture(root / "b" / "0002.jpg", random_picture(2, 200, 300))
    manifest, expected = index_of(root), {}
    plain = are_plain(manifest.facts, FORMAT)
    assert plain.any()
    assert not plain.all()
    check_pictures(manifest, FORMAT, 2, lambda one, image: expected.update({one: image}))
    (batch,) = batches_of(StreamedPixels(manifest, FORMAT, 2), range(12), 12)
    np.testing.assert_array_equal(batch["image"], np.stack([expected[one] for one in range(12)]), strict=True)
    np.testing.assert_array_equal(expected[0], decoder(FORMAT)(tf.constant(turned)).numpy())
