"""Files become small upright pictures, whatever they hold, or nothing."""

import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from base.errors import BadImage
from pipeline.sources.headers import read_header
from reports.contact_sheet import MAX_SIDE
from reports.thumbnail import thumbnail
from tests.conftest import random_picture
from tests.helpers.pictures import encode, oriented
from tests.helpers.shared_data import ODD


@pytest.mark.parametrize("name", ["PNG", "JPEG", "BMP", "GIF", "WEBP"])
def test_pictures_of_all_formats_are_shown(name):
    picture = random_picture(3, height=40, width=60)
    shown = thumbnail(encode(picture, name))
    assert (shown.shape, shown.dtype) == ((40, 60, 3), np.uint8)
    assert np.abs(shown.astype(float) - picture).mean() < (0.01 if name in ("PNG", "BMP") else 25)


def test_large_ones_are_reduced_and_lying_ones_set_upright():
    picture = random_picture(4, height=600, width=900)
    shown = thumbnail(encode(picture, "JPEG"))
    assert max(shown.shape) == MAX_SIDE
    assert shown.shape[:2] == (149, 224)
    assert thumbnail(oriented(encode(picture, "JPEG"), 6)).shape[:2] == (224, 149)


def test_gray_deep_and_transparent_ones_have_three_channels_of_8_bits():
    deep = random_picture(5, channels=1, bits=16)[..., 0]
    file = io.BytesIO()
    Image.fromarray(deep).save(file, "PNG")
    np.testing.assert_array_equal(thumbnail(file.getvalue()), np.repeat((deep >> 8)[..., None], 3, axis=2))
    for mode in ("L", "LA", "RGBA", "P"):
        file = io.BytesIO()
        Image.fromarray(random_picture(6)).convert(mode).save(file, "PNG")
        assert thumbnail(file.getvalue()).shape == (24, 32, 3)


def test_what_is_no_picture_is_nothing():
    whole = encode(random_picture(7, height=60, width=60), "PNG")
    for content in (b"", b"no picture", whole[: len(whole) // 2], whole[:20], b"\xff\xd8\xff\xe0 nothing"):
        assert thumbnail(content) is None


@pytest.mark.usefixtures("shared_data")
@pytest.mark.filterwarnings("error")
def test_odd_pictures_are_shown_unless_they_are_broken():
    shown = 0
    for path in filter(Path.is_file, ODD.rglob("*")):
        content = path.read_bytes()
        image = thumbnail(content)
        try:
            read_header(content)
        except BadImage:
            assert image is None, path
            continue
        is_broken = any(word in path.parent.name for word in ("corrupt", "truncated"))
        assert is_broken or (image.shape[2] == 3 and image.dtype == np.uint8), path
        shown += image is not None
    assert shown > 50
