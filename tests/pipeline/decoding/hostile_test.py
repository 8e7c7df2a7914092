"""Verdicts on real odd files, and bytes that nobody has looked at before."""

import contextlib
import csv
import io
import struct

import pytest
import tensorflow as tf
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image

from pipeline.sources import headers
from tests.helpers.pictures import (
    averaged,
    claiming,
    decode,
    encode,
    graph_orientation,
    levels_apart,
    oriented,
    picture,
    verdict,
    with_pillow,
)
from tests.helpers.shared_data import ODD

# Decodable files that are refused, each with its reason.
REFUSED = {"wrong_extension/tiff_named.jpg": "TensorFlow has no TIFF decoder; the reason says TIFF and what to do"}


def odd_images() -> list:
    if not ODD.is_dir():
        return [pytest.param({}, marks=pytest.mark.skip(reason=f"no pictures at {ODD}"))]
    return [pytest.param(row, id=row["file"]) for row in csv.DictReader((ODD / "manifest.csv").open())]


@pytest.mark.parametrize("row", odd_images())
def test_odd_image(row):
    image_bytes = (ODD / row["file"]).read_bytes()
    found, pixels = verdict(image_bytes)
    if row["firm"] == "yes":
        expected = "reject" if row["file"] in REFUSED else row["expected"].split("-")[0]
        assert found == expected
    if image_bytes.startswith(b"\xff\xd8\xff"):
        assert graph_orientation(image_bytes).numpy() == headers.read_orientation(image_bytes)
    if pixels is not None and row["firm"] == "yes":
        check_against_pillow(image_bytes)


def check_against_pillow(image_bytes: bytes):
    reference = with_pillow(image_bytes)
    longest, shortest = max(reference.shape[:2]), min(reference.shape[:2])
    # Large enough that a JPEG is decoded at its full size: what a fraction of it changes has a test of its own.
    size = 32 if longest < 192 else 128 if longest < 768 else 320
    if shortest >= size:  # on an up-scale OpenCV interpolates, this averages
        # Pillow's way from CMYK to RGB rounds by itself.
        tolerance = 2 if Image.open(io.BytesIO(image_bytes)).mode == "CMYK" else 1
        assert levels_apart(decode(image_bytes, size), averaged(reference, size)).max() <= tolerance


@pytest.mark.parametrize("format_name", ["JPEG", "PNG", "GIF", "BMP", "WEBP"])
def test_a_claimed_size_is_refused_by_name_before_decoding(format_name):
    image_bytes = claiming(format_name, 16000, 9000, **({"lossless": True} if format_name == "WEBP" else {}))
    with pytest.raises(tf.errors.InvalidArgumentError, match=r"16000.*9000.*from 1 to 100000000 pixels"):
        decode(image_bytes)
    with pytest.raises(headers.BadImage, match="16000 x 9000"):
        headers.read_header(image_bytes)


def test_a_cut_jpeg_is_refused():
    image_bytes = encode(picture(), "JPEG")
    for kept in (len(image_bytes) // 2, len(image_bytes) - 2):
        with pytest.raises(tf.errors.InvalidArgumentError):
            decode(image_bytes[:kept])


def exif_bytes() -> list[bytes]:
    plain = encode(picture(), "JPEG")
    comment = b"\xff\xfe\0\6note"
    tagged = oriented(plain, 6)
    tiff = b"II*\0" + struct.pack("<IHHHIHHI", 8, 1, 0x0112, 3, 1, 5, 0, 0)
    small = plain[:2] + b"\xff\xe1" + struct.pack(">H", 8 + len(tiff)) + b"Exif\0\0" + tiff + plain[2:]
    return [tagged, tagged[:2] + comment + tagged[2:], small]


@settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.data())
def test_orientation_of_damaged_bytes_is_the_same_in_the_graph(data):
    image_bytes = bytearray(data.draw(st.sampled_from(exif_bytes())))
    places = st.integers(2, 60)
    for place, value in data.draw(st.lists(st.tuples(places, st.integers(0, 255)), max_size=3)):
        image_bytes[place] = value
    cut = data.draw(st.one_of(st.just(len(image_bytes)), st.integers(0, 80)))
    image_bytes = bytes(image_bytes[:cut])
    assert graph_orientation(image_bytes).numpy() == headers.read_orientation(image_bytes)


SEEDS = [("JPEG", {}), ("PNG", {}), ("GIF", {}), ("BMP", {}), ("WEBP", {}), ("WEBP", {"lossless": True})]


@settings(max_examples=250, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.data())
def test_damaged_bytes_are_decoded_or_refused(data):
    """Neither reader may crash, or raise anything but its own refusal."""
    format_name, options = data.draw(st.sampled_from(SEEDS))
    image_bytes = bytearray(encode(picture((20, 14)), format_name, **options))
    place = st.one_of(st.integers(0, 60), st.integers(0, len(image_bytes) - 1))
    for where, value in data.draw(st.lists(st.tuples(place, st.integers(0, 255)), max_size=4)):
        image_bytes[min(where, len(image_bytes) - 1)] = value
    cut = data.draw(st.one_of(st.just(len(image_bytes)), st.integers(0, len(image_bytes))))
    image_bytes = bytes(image_bytes[:cut])
    found, pixels = verdict(image_bytes)
    assert found == "reject" or pixels.shape == (32, 32, 3)
    with contextlib.suppress(tf.errors.InvalidArgumentError):
        decode(image_bytes, channels=1, bit_depth=16)
    if image_bytes.startswith(b"\xff\xd8\xff"):
        assert graph_orientation(image_bytes).numpy() == headers.read_orientation(image_bytes)
