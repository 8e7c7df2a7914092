"""The section and the sheet of labels that may be wrong: what a reader is told, and that names do no harm."""

import io

import numpy as np
from PIL import Image

from records.tables import LabelIssueRow
from reports.contact_sheet import draw_sheet
from reports.suspicious import Suspect, suspicious_section, suspicious_sheet
from reports.templates import render_page
from tests.helpers.report_fixtures import Parsed

PAGE = {"dataset": "pets", "full_dataset": "pets", "data_origin": "real", "pictures": 3, "classes": 2}


def suspect(rank: int, label: str = "cat", suggestion: str = "dog", held_out: str = "fold 3") -> Suspect:
    image = np.random.default_rng(rank).integers(0, 256, (16, 12, 3), dtype=np.uint8)
    return Suspect(LabelIssueRow(rank, f"{label}/{rank}.jpg", label, suggestion, 0.0123, 0.9765, held_out,
                                 "sure of another class"), image)  # fmt: skip


def page_of(*arguments) -> tuple[str, Parsed]:
    text = render_page("data_page.html", [suspicious_section(*arguments)], **PAGE)
    return text, Parsed(text)


def test_each_picture_stands_with_both_classes_and_what_it_rests_on():
    words = ["2 of 60 labels may be wrong; look at them", "3 more"]
    text, parsed = page_of([suspect(1), suspect(2, held_out="")], words, "In the view of a head.")
    said = parsed.words("suspicious")
    assert "1. cat (1.2%), perhaps dog (97.7%) sure of another class, fold 3 cat/ 1.jpg" in said.replace("/1", "/ 1")
    assert "sure of another class cat/" in said
    for one in (
        *words,
        "In the view of a head.",
        "look at them before you change one",
        "suspicious_labels.csv has all",
    ):
        assert one in said
    assert [tag["alt"] for name, tag in parsed.tags if name == "img"] == ["cat, perhaps dog"] * 2
    assert text.count("data:image/png;base64,") == 2
    assert parsed.open_tags == []


def test_no_suspect_is_said_too_and_names_are_escaped():
    _, parsed = page_of([], ["none of 60 labels looks wrong"], "x")
    assert "none of 60 labels looks wrong" in parsed.words("suspicious")
    assert not [name for name, _ in parsed.tags if name in ("img", "ul") and name == "img"]
    text, _ = page_of([suspect(1, "<b>&", "\u202e{{ 7 * 7 }}")], [], "x")
    assert "<b>" not in text
    assert "\u202e" not in text
    assert "{{ 7 * 7 }}" in text


def test_the_sheet_shows_them_in_their_order():
    sheet = suspicious_sheet([suspect(1), suspect(2, "猫", "dog")], {"cat": 0, "dog": 1, "猫": 2})
    ((first, second),) = [band.tiles for band in sheet.bands]
    assert (first.name, first.path) == ("1. cat 1.2%: dog 97.7%?", "cat/1.jpg")
    assert first.fallback == "1. class 0 1.2%: class 1 97.7%?"
    assert second.name.startswith("2. 猫 ")
    assert second.fallback == "2. class 2 1.2%: class 1 97.7%?"
    np.testing.assert_array_equal(first.image, suspect(1).image)
    assert "may be wrong: look at them" in sheet.note
    assert Image.open(io.BytesIO(draw_sheet(sheet))).format == "PNG"
