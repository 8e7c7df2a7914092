"""The section of slices: each column's table, its verdicts in words, and the least accurate of many."""

import numpy as np

from evaluation.slices import Column, asked_slices, find_slices
from jobs.slices import slice_rows
from records.tables import SLICES
from reports.slices import MOST_SLICES, slices_section
from reports.templates import render_page
from tests.helpers.report_fixtures import Parsed

PAGE = {"dataset": "pets", "full_dataset": "pets", "data_origin": "real", "pictures": 3, "classes": 2}


def some_slices(worse: bool):
    generator = np.random.default_rng(1)
    is_right = generator.random(1000) < 0.9
    camera = np.array(["old"] * 200 + ["new"] * 790 + ["<b>"] * 10, object)
    if worse:
        is_right[:200] = generator.random(200) < 0.5
    place = np.array([f"place {number % 25:02d}" for number in range(1000)], object)
    return find_slices(is_right, [Column("camera", camera), Column("place", place)])


def page_of(slices, path) -> Parsed:
    SLICES.write(path / "slices.csv", slice_rows(slices))
    text = render_page("data_page.html", list(slices_section(SLICES.read(path / "slices.csv"))), **PAGE)
    assert "<b>" not in text
    return Parsed(text)


def test_a_slice_that_is_worse_is_told_from_the_file_alone(tmp_path):
    slices = some_slices(worse=True)
    parsed = page_of(slices, tmp_path)
    said, asked = parsed.words("slices"), len(asked_slices(slices))
    assert asked == 27
    assert f"1 of {asked} slices is worse than the whole." in said
    assert f"5% divided by {asked}" in said
    old = next(one for one in slices if one.name == "old")
    low, high = (f"{100 * end:.1f}%" for end in old.interval)
    assert f"old 200 {100 * old.accuracy:.1f}% {low} to {high} worse" in said
    assert [text for tag, text in parsed.tags if tag == "strong"] == [{}]
    assert "<b> 10 " in said
    assert "too few to say" in said


def test_of_many_slices_the_least_accurate_are_shown(tmp_path):
    slices = some_slices(worse=False)
    said = page_of(slices, tmp_path).words("slices")
    assert f"None of {len(asked_slices(slices))} slices is shown to be worse than the whole." in said
    assert f"place: the {MOST_SLICES} least accurate of 25" in said
    places = sorted((one for one in slices if one.column == "place"), key=lambda one: one.accuracy)
    assert places[0].name in said
    assert places[-1].name not in said


def test_without_slices_there_is_no_section():
    assert list(slices_section([])) == []
