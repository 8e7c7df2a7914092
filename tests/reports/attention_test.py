"""Maps over pictures keep what can be seen of both, and the page and the sheet say what they are of."""

import numpy as np
import pytest

from jobs.report import draw_report, read_record
from pipeline.decoding.pixel_format import LUMA
from reports.attention import Looked, attention_section, attention_sheet, overlaid
from reports.contact_sheet import draw_sheet
from reports.plots import png_pixels
from tests.conftest import random_picture
from tests.helpers.report_fixtures import Parsed, make_run

HOSTILE = "<b>\"x\" & 'y'</b>"


def looked(label="cats", prediction="dogs", seed=1, side=40) -> Looked:
    places = np.linspace(0, 1, side)
    return Looked(
        f"test/{seed}.jpg", label, prediction, 0.875, random_picture(seed, side, side), np.outer(places, places)
    )


def test_a_higher_place_of_the_map_is_lighter_whatever_the_color_sense():
    gray = np.full((1, 101, 3), 128, np.uint8)
    shown = overlaid(gray, np.linspace(0, 1, 101)[None]).astype(float)
    light = (shown / 255) ** 2.2 @ np.array([0.2126, 0.7152, 0.0722])
    assert (np.diff(light[0]) > -1e-3).all()
    assert light[0, -1] > 2 * light[0, 0]
    assert (shown[0, 0] - shown[0, 0, ::-1]).argmax() in (0, 2)  # violet: more blue than red
    assert shown[0, -1, :2].min() > shown[0, -1, 2] + 50  # yellow


def test_the_picture_can_be_seen_in_gray_under_an_even_map():
    picture = random_picture(3, 30, 50)
    shown = overlaid(picture, np.full((30, 50), 0.4)).astype(float)
    assert (shown.dtype, overlaid(picture, np.zeros((30, 50))).dtype) == (float, np.uint8)
    light = picture @ np.array(LUMA)
    for channel in range(3):
        assert np.corrcoef(shown[..., channel].ravel(), light.ravel())[0, 1] > 0.999
    assert np.ptp(shown[..., 0]) > 0.4 * np.ptp(light)


def page_of(tmp_path, mistakes, right) -> Parsed:
    section = attention_section(mistakes, right, "the 7 x 7 places of layer 'last'")
    return Parsed(draw_report(read_record(make_run(tmp_path)), more=[section]))


def test_the_section_has_each_picture_beside_its_map(tmp_path):
    parsed = page_of(tmp_path, [looked(seed=1), looked(seed=2)], [looked("dogs", "dogs", 3)])
    words = parsed.words("attention")
    assert "cats taken for dogs , 87.5% test/1.jpg" in words
    assert "Right answers dogs , 87.5% test/3.jpg" in words
    assert "of the 7 x 7 places of layer 'last'" in words
    assert words.index("Worst mistakes") < words.index("test/2.jpg") < words.index("Right answers")
    shown = [one["alt"] for tag, one in parsed.tags if tag == "img" and "spoke" in one.get("alt", "")]
    assert shown == ["What spoke for dogs"] * 3
    assert ("a", {"href": "#attention"}) in parsed.tags
    assert parsed.open_tags == []


@pytest.mark.parametrize(("mistakes", "right", "gone"), [(1, 0, "Right answers"), (0, 1, "Worst mistakes")])
def test_a_group_of_none_is_not_named(mistakes, right, gone, tmp_path):
    parsed = page_of(tmp_path, [looked()] * mistakes, [looked("dogs")] * right)
    assert gone not in parsed.sections["attention"]
    draw_sheet(attention_sheet([looked()] * mistakes, [looked("dogs")] * right))


def test_names_are_shown_as_they_are(tmp_path):
    parsed = page_of(tmp_path, [looked(HOSTILE, HOSTILE + "2")], [])
    assert f"{HOSTILE} taken for {HOSTILE}2" in parsed.words("attention")
    assert parsed.open_tags == []


def test_the_sheet_has_both_pictures_of_a_pair_side_by_side():
    one = looked(side=130)
    (band,) = attention_sheet([one], []).bands
    (tile,) = band.tiles
    assert tile.image.shape == (130, 260, 3)
    np.testing.assert_array_equal(tile.image[:, :130], one.image)
    np.testing.assert_array_equal(tile.image[:, 130:], overlaid(one.image, one.map))
    assert (tile.name, tile.path, band.name) == ("87.5% cats taken for dogs", "test/1.jpg", "Mistakes")
    ((tiny,),) = (band.tiles for band in attention_sheet([looked(side=40)], []).bands)
    assert tiny.image.shape == (160, 320, 3)
    large = attention_sheet([looked(side=500)], [looked("dogs", "dogs", 2, 500)])
    assert {tile.image.shape for band in large.bands for tile in band.tiles} == {(224, 448, 3)}
    pixels = png_pixels(draw_sheet(large))
    assert pixels.shape[0] > 448
