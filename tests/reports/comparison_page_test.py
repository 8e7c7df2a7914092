"""The page of a comparison stands alone, escapes every name, and can be read without eyes and in the dark."""

import itertools
import re

import pytest

from reports.comparison_page import PAGE_BEGINNING, DisagreementGroup, megabytes, render_comparison
from tests.helpers.comparisons import comparison, disagreement, groups
from tests.helpers.report_fixtures import Parsed

SECTIONS = ["verdict", "runs", "pairs", "cost", "disagreements", "options"]
HOSTILE = ("<b>bold</b>", "a \"quoted\" & 'single'", "\udcff\nnew", "$x$ {{ 7 * 7 }}")


def page_of(told=None, shown=None, **more) -> tuple[str, Parsed]:
    text = render_comparison(told or comparison(), groups(disagreement()) if shown is None else shown, **more)
    return text, Parsed(text)


def test_it_stands_alone_and_has_every_section():
    text, parsed = page_of()
    assert text.startswith(PAGE_BEGINNING)
    assert not re.search(r"https?://|//\w+\.\w+/|url\(|@import", re.sub(r"base64,[\w+/=]+", "", text))
    assert not {tag for tag, _ in parsed.tags} & {"script", "link", "iframe", "object", "embed", "form", "base"}
    assert not [name for _, attributes in parsed.tags for name in attributes if name.startswith("on")]
    assert parsed.attributes("id") == SECTIONS
    assert [address.removeprefix("#") for address in parsed.attributes("href")] == SECTIONS
    assert parsed.open_tags == []


def test_it_can_be_read_without_eyes_and_in_the_dark():
    text, parsed = page_of(comparison(("a", "b", "c")))
    assert all(attributes.get("alt") for tag, attributes in parsed.tags if tag == "img")
    assert all(attributes.get("scope") in ("col", "row") for tag, attributes in parsed.tags if tag == "th")
    headings = [int(tag[1]) for tag, _ in parsed.tags if re.fullmatch("h[1-6]", tag)]
    assert headings[0] == 1
    assert all(after - before <= 1 for before, after in itertools.pairwise(headings))
    assert ("html", {"lang": "en", "class": "comparison"}) in parsed.tags
    assert "prefers-color-scheme: dark" in text
    assert any("width=device-width" in content for content in parsed.attributes("content"))
    boxes = re.findall(r'<div class="scroll[^>]*tabindex="0"[^>]*><div class="wide">(.*?)</div></div>', text, re.S)
    assert sum(box.count("<table") for box in boxes) == sum(tag == "table" for tag, _ in parsed.tags) == 4


def test_every_name_is_shown_as_it_is():
    told = comparison(HOSTILE, notes=["a <note> on <i>"], compared="folder:/<i>, all of it")
    told["differing_options"] = [{"option": "--<x>", "values": ["<u>", "1", "2", "3"]}]
    shown = [DisagreementGroup("", 1, [disagreement("p\udcfe<q>.jpg", "<class>", HOSTILE)])]
    text, parsed = page_of(told, shown)
    for section in ("runs", "pairs", "cost", "disagreements", "options"):
        for name in HOSTILE:
            assert name.replace("\udcff\nnew", "\\xff\\nnew") in parsed.sections[section], section
    assert "a <note> on <i>" in parsed.sections["verdict"]
    assert "folder:/<i>" in parsed.sections[""]
    assert "--<x>" in parsed.sections["options"]
    assert "<u>" in parsed.sections["options"]
    assert "p\\xfe<q>.jpg" in parsed.sections["disagreements"]
    assert "<class>" in parsed.sections["disagreements"]
    assert parsed.open_tags == []
    assert "<b>bold" not in text
    assert "$x$ 49" not in text
    text.encode()  # no surrogate is left


def test_the_figures_are_those_of_the_comparison():
    told = comparison()
    _, parsed = page_of(told)
    assert told["conclusion"] in parsed.words("verdict")
    assert "first 95.0% 90.0% to 99.0% 94.0% 0.2500 0.0625 0.1250" in parsed.words("runs")
    assert "first less second 15 to 0 +15.0 points +8.0 to +22.0" in parsed.words("pairs")
    assert "first 12.3 MB 1,234,567 1:02:05 CPU, 2 threads 12.3 1.23" in parsed.words("cost")
    assert "epochs 10 11" in parsed.words("options")
    assert "corrected" not in parsed.words("pairs")
    told = comparison(("a", "b", "c"))
    _, parsed = page_of(told)
    assert all(pair["verdict"] in parsed.words("pairs") for pair in told["pairs"])
    assert "corrected p" in parsed.words("pairs")


def test_nobody_is_called_better_where_nobody_is():
    told = comparison(("second", "third"))
    told["conclusion"] = told["pairs"][0]["verdict"] = "no significant difference in accuracy, p 1.0000"
    _, parsed = page_of(told)
    assert "no significant difference" in parsed.words("verdict")
    assert not re.search(r"is better|best\b", parsed.words("verdict") + parsed.words("pairs"))


def test_the_differences_lie_on_one_axis_with_zero_in_its_middle():
    text, _ = page_of(comparison(("a", "b", "c", "d")))
    ranges = [
        [float(value) for value in found]
        for found in re.findall(r"--low: ([-\d.e]+); --high: ([-\d.e]+); --value: ([-\d.e]+)", text)
    ]
    assert len(ranges) == 4 + 6
    assert all(0 <= low <= value <= high <= 1 for low, high, value in ranges)
    assert all(value > 0.5 for _, _, value in ranges[4:])  # each run is better than those after it


def test_pictures_are_shown_and_of_those_that_are_gone_the_paths():
    shown = disagreement(), disagreement("gone/2.jpg", side=0), disagreement("3.jpg", side=500)
    _, parsed = page_of(shown=groups(*shown))
    images = [attributes for tag, attributes in parsed.tags if tag == "img"]
    assert len(images) == 2
    assert all(attributes["src"].startswith("data:image/") for attributes in images)
    assert len(images[1]["src"]) < 300_000
    words = parsed.words("disagreements")
    for said in ("Only first is right: 6", "cats/1.jpg", "gone/2.jpg", "3.jpg", "Only second is right: 0",
                 "There is no such picture.", "✓ first: cats , 75.0% ✗ second: dogs , 75.0%"):  # fmt: skip
        assert said in words


def test_what_is_not_known_is_a_dash_or_a_sentence():
    told = comparison(differing_options=[], machine="")
    told["runs"][0] |= {"parameters": None, "training_seconds": None, "device": None, "milliseconds_a_picture": None}
    _, parsed = page_of(told, [DisagreementGroup("", 0, [])])
    assert "first 12.3 MB – – – – –" in parsed.words("cost")
    assert "All options are the same." in parsed.words("options")
    assert "All runs are right on the same pictures." in parsed.words("disagreements")
    assert "None" not in "".join(parsed.sections.values())


@pytest.mark.parametrize("is_synthetic", [False, True])
def test_synthetic_pictures_are_said_loudly_and_only_then(is_synthetic):
    text, _ = page_of(is_synthetic=is_synthetic)
    assert ("SYNTHETIC DATA" in text) == is_synthetic


def test_sizes_are_in_megabytes():
    assert [megabytes(size) for size in (1000, 12_345_678, 2_500_000_000)] == ["0.001 MB", "12.3 MB", "2.5 GB"]
