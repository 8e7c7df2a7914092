"""A page is made of sections: the navigation names those that are there, and each knows only what it was given."""

import re

import jinja2
import pytest
from jinja2 import UndefinedError

from reports import templates
from reports.templates import Section, render_page
from tests.helpers.report_fixtures import Parsed

LAYOUT = "{% for section, html in parts %}{{ section.title }}: {{ html }}; {% endfor %}{{ name }}"


@pytest.fixture
def _made_up(monkeypatch):
    files = {"page.html": LAYOUT, "one.html": "<b>{{ text }}</b>", "other.html": "{{ text | broken }}"}
    monkeypatch.setattr(templates.jinja2, "FileSystemLoader", lambda _: jinja2.DictLoader(files))


@pytest.mark.usefixtures("_made_up")
def test_sections_stand_in_their_order_and_all_text_is_escaped():
    sections = [Section("a", "A & B", "one.html", {"text": "<i>"}), Section("b", "B", "other.html", {"text": "c/d"})]
    assert render_page("page.html", sections, name="\u202e<x>") == (
        "A &amp; B: <b>&lt;i&gt;</b>; B: c/<wbr>d; \\u202e&lt;x&gt;"
    )


@pytest.mark.usefixtures("_made_up")
def test_a_section_knows_nothing_of_the_page_nor_of_its_neighbours():
    sections = [Section("a", "A", "other.html", {"text": "known"}), Section("b", "B", "one.html")]
    with pytest.raises(UndefinedError, match="'text' is undefined"):
        render_page("page.html", sections, name="", text="of the page")


def test_the_navigation_leads_to_each_section():
    sections = [Section(name, f"Title of {name}", "run.html", {"facts": []}) for name in ("one", "two")]
    values = {"dataset": "pets", "full_dataset": "pets", "data_origin": "real", "pictures": 3, "classes": 2}
    text = render_page("data_page.html", sections, **values)
    assert re.findall(r'<a href="#(\w+)">(.*?)</a>', text) == [("one", "Title of one"), ("two", "Title of two")]
    assert re.findall(r'<section id="(\w+)">\s*<h2>(.*?)</h2>', text) == re.findall(r'"#(\w+)">(.*?)</a>', text)
    assert Parsed(text).open_tags == []
