"""What TensorBoard's text tab makes of a table: the cells as they are, and no tag of anybody's."""

import html
import re

import pytest
from tensorboard import plugin_util

from reports.markdown import markdown_table


def cells_of(text: str) -> list[list[str]]:
    """The table as TensorBoard shows it."""
    shown = plugin_util.markdown_to_safe_html(text)
    assert shown.count("<table>") == 1
    rows = re.findall("<tr>(.*?)</tr>", shown, re.DOTALL)
    return [[html.unescape(cell) for cell in re.findall("<t[hd][^>]*>(.*?)</t[hd]>", row, re.DOTALL)] for row in rows]


@pytest.mark.parametrize(
    "text",
    ["plain", "mixed_bfloat16", "__bold__ *em*", "a | b", "`code`", "<b>&amp;</b>", "folder:/my files/[1](x)",
     "# no", "1. one", "- x", "0.6,0.2,0.2", "猫", "\\", "https://a.b/c", "–", "~~x~~", "2.1 × 10⁻⁷"],
)  # fmt: skip
def test_a_cell_shows_its_text_as_it_is(text):
    assert cells_of(markdown_table(("option", "value"), [("name", text)])) == [["option", "value"], ["name", text]]


def test_what_no_page_can_hold_is_replaced():
    ((_, _), (_, shown)) = cells_of(markdown_table(("option", "value"), [("name", "a\nb\udcff\x00")]))
    assert shown == "a\ufffdb\\udcff\ufffd"
