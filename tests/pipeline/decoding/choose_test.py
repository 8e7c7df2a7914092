"""How pictures are decoded, chosen from what their headers say, and told."""

import dataclasses

import numpy as np
import pytest

from pipeline.decoding.check import Verdict
from pipeline.decoding.choose import (
    DISTORTED,
    FEW,
    KEEPS_PROPORTIONS,
    choose_full_scale,
    choose_pixel_format,
    choose_resize,
    distortions,
)
from pipeline.decoding.pixel_format import PixelFormat
from pipeline.options import DataOptions
from pipeline.sources.index import FACTS
from pipeline.sources.splits import Splits

OPTIONS = DataOptions(image_size=16)


def fake_manifest(**facts):
    """What `choose_pixel_format` looks at: gray pictures of 20 x 20 pixels and 8 bits where nothing else is said."""
    table = np.zeros(max(map(len, facts.values())), FACTS)
    for name, values in (
        {"height": [20], "width": [20], "channels": [1], "bit_depth": [8], "orientation": [1]} | facts
    ).items():
        table[name] = values

    class Fake:
        facts = table

        def __len__(self):
            return len(table)

    return Fake()


@pytest.mark.parametrize(
    ("channels", "bits", "mode", "depth", "expected", "word"),
    [
        ([1, 1, 2], [8, 8, 8], "auto", "auto", (1, 8), "every file is gray"),
        ([1, 1, 3], [8, 8, 8], "auto", "auto", (3, 8), "1 files have color"),
        ([1, 1, 4], [8, 8, 8], "grayscale", "auto", (1, 8), "asked for"),
        ([1, 1, 1], [8, 8, 8], "rgb", "auto", (3, 8), "asked for"),
        ([1, 1, 1, 1], [16, 16, 8, 8], "auto", "auto", (1, 16), "2 of 4 have 16 bits"),
        ([1, 1, 1], [16, 8, 8], "auto", "auto", (1, 8), "1 of 3 have 16 bits, cut to 8"),
        ([1, 1, 1], [16, 16, 16], "auto", "8", (1, 8), "every file is gray"),
        ([3, 3, 3], [8, 8, 8], "auto", "16", (3, 16), "3 files have color"),
    ],
)
def test_the_pixel_format_follows_the_files_or_the_flag(channels, bits, mode, depth, expected, word):
    options = dataclasses.replace(OPTIONS, color_mode=mode, bit_depth=depth)
    pixel_format, lines = choose_pixel_format(fake_manifest(channels=channels, bit_depth=bits), options)
    assert (pixel_format.channels, pixel_format.bit_depth) == expected
    assert word in lines["pixels"]


@pytest.mark.parametrize(
    ("peaks", "asked", "expected"),
    [
        ([3400] * 1000, 0, 4095),
        ([4095] * 1000, 0, 4095),
        ([4096] * 1000, 0, 8191),
        ([3400] * 995 + [65535] * 5, 0, 4095),  # a few wild readings do not squeeze the rest
        ([65535] * 1000, 0, 65535),
        ([0] * 1000, 0, 255),
        ([3400] * 1000, 10_000, 10_000),
    ],
)
def test_full_scale_of_deep_pictures_holds_what_training_pictures_reach(peaks, asked, expected):
    options = dataclasses.replace(OPTIONS, full_scale=asked)
    # Only the training split counts: the others reach further.
    verdict = Verdict({}, np.array([*peaks, *[60000] * 200], np.uint16))
    splits = Splits({"train": np.arange(1000), "validation": np.arange(1000, 1100), "test": np.arange(1100, 1200)})
    pixel_format, why = choose_full_scale(options, PixelFormat.square(16, 1, 16), verdict, splits)
    assert pixel_format == PixelFormat.square(16, 1, 16, expected)
    assert str(expected) in why


def test_eight_bits_have_255_whatever_the_peaks():
    verdict, splits = Verdict({}, np.array([9], np.uint16)), Splits({"train": np.array([0])})
    expected = PixelFormat.square(16, full_scale=255), ""
    assert choose_full_scale(OPTIONS, PixelFormat.square(16), verdict, splits) == expected


def test_a_picture_is_distorted_by_the_ratio_of_its_two_scale_factors():
    facts = fake_manifest(
        height=[20, 100, 40, 40, 40, 1, 5000], width=[30, 150, 20, 20, 30, 5000, 1], orientation=[1, 3, 1, 6, 8, 1, 1]
    ).facts
    np.testing.assert_allclose(distortions(facts, 20, 30), [1, 1, 3, 4 / 3, 9 / 8, 10000 / 3, 7500])
    np.testing.assert_allclose(distortions(facts, 16, 16), [1.5, 1.5, 2, 2, 4 / 3, 5000, 5000])


def test_auto_squashes_where_hardly_a_picture_suffers():
    assert choose_resize(0.0) == choose_resize(FEW) == "squash"
    assert choose_resize(FEW + 0.001) == choose_resize(1.0) == KEEPS_PROPORTIONS != "squash"


@pytest.mark.parametrize(
    ("wide", "resize", "chosen", "words"),
    [
        (1, "auto", "squash", "squash (auto): each side becomes the size wanted by itself; 1 of 20 pictures (5%) are "),
        (2, "auto", KEEPS_PROPORTIONS, "2 of 20 pictures (10%) would be distorted by more than a quarter by squash"),
        (20, "squash", "squash", "squash (asked for): each side becomes the size wanted by itself; 20 of 20 "),
        (0, "crop", "crop", "crop (asked for): the middle of each picture, in the proportions wanted; 0 of 20 "),
        (3, "pad", "pad", "pad (asked for): each picture whole, #ff8000 around it; 3 of 20 pictures (15%) would be "),
    ],
)
def test_the_resize_follows_the_files_or_the_flag_and_is_told(wide, resize, chosen, words):
    # The others lie just inside of what is no more than a quarter.
    widths = [20 * DISTORTED + 1] * wide + [20 * DISTORTED] * (20 - wide)
    options = dataclasses.replace(OPTIONS, resize=resize, background="#ff8000")
    pixel_format, lines = choose_pixel_format(fake_manifest(width=widths), options)
    assert pixel_format.resize == chosen
    assert pixel_format.background == (255, 128, 0)
    assert words in lines["resize"]
    assert lines["resize"].startswith(f"{chosen} (")


def test_a_size_has_one_form():
    assert DataOptions(image_size=(24, 24)) == DataOptions(image_size=24) == DataOptions(image_size=[24])
    assert DataOptions(image_size=24).image_sides == (24, 24)
    assert DataOptions(image_size=(24, 40)).image_sides == (24, 40)
    pixel_format, lines = choose_pixel_format(fake_manifest(width=[30]), DataOptions(image_size=(16, 24)))
    assert pixel_format.shape == (16, 24, 1)
    assert lines["pixels"].startswith("16x24x1, 8 bits")
    assert "0 of 1 pictures" in lines["resize"]
