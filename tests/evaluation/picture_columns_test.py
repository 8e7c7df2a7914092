"""What is known of pictures from their headers, as columns with units."""

import numpy as np
import pytest

from evaluation.picture_columns import COPIED, ONLY_ONE, picture_columns
from evaluation.slices import find_slices
from pipeline.sources.index import FACTS, FORMATS


@pytest.fixture
def facts() -> np.ndarray:
    """A JPEG on its side, a PNG, a WebP."""
    facts = np.zeros(3, FACTS)
    facts["width"], facts["height"], facts["orientation"] = [300, 400, 10], [200, 100, 40], [6, 1, 1]
    facts["format"] = [FORMATS.index(name) for name in ("jpeg", "png", "webp")]
    facts["bytes"] = [1234, 99, 5_000_000]
    return facts


def test_each_has_what_its_header_says_as_it_is_looked_at(facts):
    columns = picture_columns(["a", "b", "a"], facts, np.array([True, False, True]))
    values = {column.name: column.values.tolist() for column in columns}
    assert values == {
        "class": ["a", "b", "a"],
        "size": [60000, 40000, 400],
        "width / height": [200 / 300, 4, 0.25],
        "format": ["JPEG", "PNG", "WebP"],
        "file size": [1234, 99, 5_000_000],
        "copies": [COPIED, ONLY_ONE, COPIED],
    }
    assert [column.unit for column in columns] == ["", "pixels", "", "", "bytes", ""]


def test_a_picture_that_is_larger_than_32_bits_hold_is_counted(facts):
    facts["width"] = facts["height"] = 60_000
    assert picture_columns(["a"] * 3, facts, np.zeros(3, bool))[1].values.tolist() == [3.6e9] * 3


def test_brightness_and_sharpness_are_there_where_they_were_measured(facts):
    appearance = np.array([[0.5, 0.001], [np.nan, np.nan], [0.25, 0.002]])
    columns = picture_columns(["a"] * 3, facts, np.zeros(3, bool), appearance)
    assert [column.name for column in columns[-2:]] == ["brightness, 0 to 1", "sharpness, variance of the Laplacian"]
    np.testing.assert_array_equal(columns[-1].values, [0.001, np.nan, 0.002])
    slices = find_slices(np.array([True, False, True]), columns)
    assert [one.name for one in slices if one.column == "brightness, 0 to 1"] == ["0.25", "0.5", "no value"]
    assert {one.name for one in slices if one.column == "size"} == {"400 pixels", "40,000 pixels", "60,000 pixels"}
