"""A graph runs its operations in any order; what it says of a bad picture does not depend on that."""

import itertools
import time
from collections.abc import Callable

import numpy as np
import pytest
import tensorflow as tf

from pipeline.decoding.decode import decode_image
from pipeline.decoding.pixel_format import PixelFormat
from pipeline.decoding.reasons import words_of
from tests.helpers import mutations
from tests.helpers.pictures import STRING, claiming

FORMATS = [PixelFormat.square(32), PixelFormat.square(24, 1, 16), PixelFormat(20, 30, resize="pad")]
LATE_SECONDS = 0.04  # ages, for an operation on a few bytes


def assert_in_words(condition: tf.Tensor, data: list) -> tf.Operation:
    """tf.debugging.Assert has other words outside a graph."""
    return tf.raw_ops.Assert(condition=tf.identity(condition), data=[tf.convert_to_tensor(part) for part in data])


def late_assert() -> Callable:
    """As tf.debugging.Assert; where it fails, every operation that does not wait for it has run before: the earlier it
    stands in the code, the later it is."""
    seconds = (LATE_SECONDS * 0.8**number for number in itertools.count())

    def assert_late(condition: tf.Tensor, data: list) -> tf.Operation:
        delay = next(seconds)

        def wait(holds):
            time.sleep(0 if holds else delay)
            return holds

        return assert_in_words(tf.numpy_function(wait, [condition], tf.bool), data)

    return assert_late


@pytest.fixture(scope="module")
def damaged() -> list[bytes]:
    generator, whole = np.random.default_rng(11), mutations.seeds()
    made = [mutations.mutate(generator, whole) for _ in range(150)]
    beginnings = [b"GIF89a", b"RIFF\0\0\0\0WEBP", b"RIFF\0\0\0\0WEBPVP8 ", b"BM", b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff"]
    fillings = [b"", b"\xff" * 20, bytes(60), b"\xff\x7f" * 40]
    made += [start + filling for start in beginnings for filling in fillings]
    bitmap = bytearray(claiming("BMP", 16000, 9000))
    bitmap[28:30] = b"\x05\0"  # bits a pixel that no BMP has
    claims = [claiming(name, 16000, 9000) for name in ("JPEG", "PNG", "GIF", "BMP", "WEBP")]
    return [*made, *claims, bytes(bitmap), b"", b"not a picture"]


def words(decode, content: bytes) -> str | None:
    try:
        decode(content)
    except tf.errors.InvalidArgumentError as error:
        return words_of(error)
    return None


@pytest.mark.parametrize("pixel_format", FORMATS, ids=["color", "gray", "padded"])
def test_what_is_told_is_the_first_check_that_fails(damaged, pixel_format, monkeypatch):
    """Line by line, without a graph, nothing runs ahead of a check: that is what the graph must say too."""

    def by_line(content):
        return decode_image(content, pixel_format)

    monkeypatch.setattr(tf.debugging, "Assert", assert_in_words)
    expected = [(content, words(by_line, content)) for content in damaged]
    monkeypatch.setattr(tf.debugging, "Assert", late_assert())
    graph = tf.function(by_line, autograph=False, input_signature=STRING)
    assert [(content, words(graph, content)) for content in damaged] == expected
    assert 50 < sum(told is not None for _, told in expected) < len(damaged)
