"""What a client may send to `serving_default`: an answer, or one error that says why; and the next call is answered."""

import struct
import zlib

import keras
import numpy as np
import pytest
import tensorflow as tf

from models.options import ModelOptions
from models.zoo import build_model
from pipeline.decoding.pixel_format import PixelFormat
from pipeline.decoding.reasons import words_of
from serving.export import ScoredModel, ServedModel
from tests.helpers.pictures import claiming, encode, picture

GOOD = [
    encode(picture((60 + 5 * number, 40)), name) for number, name in enumerate(("JPEG", "PNG", "GIF", "BMP", "WEBP"))
]
NO_PICTURE = "not a picture: none of the magic bytes of JPEG, PNG, GIF, BMP or WebP"


def flipped(content: bytes) -> bytes:
    """With the bytes in its middle turned over."""
    middle = len(content) // 2
    return content[:middle] + bytes(255 - byte for byte in content[middle : middle + 40]) + content[middle + 40 :]


HOSTILE = {
    "empty string": (b"", NO_PICTURE),
    "one byte": (b"\xff", NO_PICTURE),
    "text": (b"hello", NO_PICTURE),
    "no UTF-8": (b"GIF8\xff\xff\xfe", NO_PICTURE),
    "base64": (b"/9j/4AAQSkZJRgABAQEASABIAAD", NO_PICTURE),
    "page": (b"<!DOCTYPE html><html>404", NO_PICTURE),
    "zeros": (bytes(10_000), NO_PICTURE),
    "TIFF": (b"II*\0" + bytes(100), NO_PICTURE),
    "cut JPEG": (GOOD[0][:-200], "jpeg::Uncompress failed. Invalid JPEG data"),
    "cut PNG": (GOOD[1][:-200], "Invalid PNG data"),
    "cut GIF": (GOOD[2][:-200], "a GIF without a whole picture in it"),
    "cut BMP": (GOOD[3][:-200], "a BMP that ends before its pixels do"),
    "cut WebP": (GOOD[4][:-200], "a WebP without a whole picture in it"),
    "damaged PNG": (flipped(GOOD[1]), "Invalid PNG data"),
    "PNG signature": (b"\x89PNG\r\n\x1a\n", "a picture of 0 x 0 pixels"),
    "GIF signature": (b"GIF89a", "a GIF without a whole picture in it"),
    "short GIF that is no text": (b"GIF89a\xff\xff\xfe", "a GIF without a whole picture in it"),
    "WebP signature": (b"RIFF\xff\xff\xff\xffWEBP", "a WebP without a whole picture in it"),
    "BMP signature": (b"BM", "a BMP that is not decoded"),
    "JPEG bomb": (claiming("JPEG", 12_000, 12_000), "a picture of 12000 x 12000 pixels"),
    "PNG bomb": (claiming("PNG", 20_000, 20_000), "a picture of 20000 x 20000 pixels"),
    "small bomb": (claiming("PNG", 9_000, 9_000), "a picture of 9000 x 9000 pixels"),
    "PNG of 64 bits": (claiming("PNG", (1 << 32) - 1, (1 << 31) + 1), "a picture of 4294967295 x 2147483649 pixels"),
    "GIF bomb": (claiming("GIF", 60_000, 60_000), "a picture of 60000 x 60000 pixels"),
    "zlib bomb": (
        claiming("PNG", 96, 64).replace(b"IDAT", b"zTXt", 1) + struct.pack(">I", 9) + zlib.compress(bytes(10**6)),
        "Invalid PNG",
    ),
}


@pytest.fixture(scope="module")
def endpoint(tmp_path_factory):
    keras.config.set_dtype_policy("float32")
    pixel_format = PixelFormat.square(16)
    model = build_model(ModelOptions("catdog_1", filters=(4, 8), units=5), 1, 3, pixel_format.shape)
    served = ServedModel(ScoredModel(model), ["a", "b", "c"], pixel_format)
    path = str(tmp_path_factory.mktemp("served"))
    signatures = {"serving_default": served.serving_default, "serve_images": served.serve_images}
    tf.saved_model.save(served, path, signatures=signatures)
    loaded = tf.saved_model.load(path)

    def send(contents):
        if isinstance(contents, np.ndarray):
            outputs = loaded.signatures["serve_images"](images=tf.constant(contents))
        else:
            outputs = loaded.signatures["serving_default"](image_bytes=tf.constant(contents, tf.string))
        return {name: value.numpy() for name, value in outputs.items()}

    return send


@pytest.mark.parametrize("nothing", [[], np.zeros((0, 16, 16, 3), np.uint8)], ids=["bytes", "pixels"])
def test_an_empty_batch_has_an_empty_answer(nothing, endpoint):
    outputs = endpoint(nothing)
    assert outputs["probabilities"].shape == (0, 3)
    assert outputs["class_name"].shape == outputs["probability"].shape == (0,)


@pytest.mark.parametrize("shape", [(32, 32, 3), (8, 8, 3), (16, 16, 1)], ids=str)
def test_pixels_of_another_shape_are_refused_with_the_one_that_is_wanted(shape, endpoint):
    with pytest.raises(tf.errors.InvalidArgumentError, match=r"must be equal: .* vs\. shape\[1\] = \[0,16,16,3\]"):
        endpoint(np.zeros((2, *shape), np.uint8))


@pytest.mark.parametrize("name", HOSTILE)
def test_bad_bytes_are_refused_with_their_reason_and_the_next_call_is_answered(name, endpoint):
    content, words = HOSTILE[name]
    for batch in ([content], [*GOOD[:2], content, *GOOD[2:]]):
        with pytest.raises(tf.errors.InvalidArgumentError) as caught:
            endpoint(batch)
        assert words_of(caught.value).startswith(words)
    answers = endpoint(GOOD)["probabilities"]
    assert np.isfinite(answers).all()
    assert answers.std(axis=0).max() > 1e-6
    for number, good in enumerate(GOOD):
        np.testing.assert_allclose(endpoint([good])["probabilities"][0], answers[number], atol=1e-6)
