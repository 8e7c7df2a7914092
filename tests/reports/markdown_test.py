"""What TensorBoard's text tab makes of a table: the cells as they are, and no tag of anybody's."""

import html
import re

import pytest
from tensorboard import plugin_util

from reports.markdown import inline, markdown_code, markdown_table


def cells_of(text: str) -> list[list[str]]:
    """The table as TensorBoard shows it."""
    shown = plugin_util.markdown_to_safe_html(text)
    assert shown.count("<table>") == 1
    rows = re.findall("<tr>(.*?)</tr>", shown, re.DOTALL)
    return [[html.unescape(cell) for cell in re.findall("<t[hd][^>]*>(.*?)</t[hd]>", row, re.DOTALL)] for row in rows]


TEXTS = (
    "plain", "mixed_bfloat16", "__bold__ *em*", "a | b", "`code`", "<b>&amp;</b>", "folder:/my files/[1](x)",
    "# no", "1. one", "- x", "0.6,0.2,0.2", "猫", "\\", "https://a.b/c", "–", "~~x~~", "2.1 × 10⁻⁷", "---", "+ x",
    "2) x", "93.0%", "--epochs=3", "\\*",
)  # fmt: skip


@pytest.mark.parametrize("text", TEXTS)
def test_a_cell_shows_its_text_as_it_is(text):
    assert cells_of(markdown_table(("option", "value"), [("name", text)])) == [["option", "value"], ["name", text]]


def test_what_no_page_can_hold_is_replaced():
    ((_, _), (_, shown)) = cells_of(markdown_table(("option", "value"), [("name", "a\nb\udcff\x00")]))
    assert shown == "a\ufffdb\\udcff\ufffd"


@pytest.mark.parametrize("text", TEXTS)
def test_a_line_and_an_item_show_their_text_as_it_is(text):
    shown = plugin_util.markdown_to_safe_html(f"Before\n\n{inline(text)}\n\n- {inline(text)}\n")
    assert [html.unescape(one) for one in re.findall("<(?:p|li)>(.*?)</(?:p|li)>", shown, re.DOTALL)] == [
        "Before", text, text,
    ]  # fmt: skip


def test_what_asks_for_no_mark_gets_none():
    for text in ("93.0% (90.1% to 95.1%)", "--epochs=3", "a - b", "0.6,0.2"):
        assert inline(text) == text


def test_a_line_of_code_is_code_whatever_it_holds():
    shown = plugin_util.markdown_to_safe_html("x:\n\n" + markdown_code("a `b` ``` <i>\n# c"))
    assert html.unescape(re.search("<code>(.*?)</code>", shown, re.DOTALL)[1]).strip() == "a `b` ``` <i>\ufffd# c"
