"""Writes the table of backbones in docs/models.md from what the program knows of them; a test fails when it is stale.

python -m cli.models_page
"""

from pathlib import Path

from models.backbone_table import BACKBONES, Backbone

PAGE = Path(__file__).resolve().parents[1] / "docs" / "models.md"
_HEAD = "| `--model` | million parameters | smallest side | ImageNet's sides | is fed |\n|---|---|---|---|---|\n"


def render(page: str) -> str:
    """The page, in Markdown, with the table as it should be; what stands before and behind it stays."""
    before, _, rest = page.partition(_HEAD)
    behind = rest.partition("\n\n")[2]
    return before + _HEAD + "\n".join(_row(name, chosen) for name, chosen in BACKBONES.items()) + "\n\n" + behind


def _row(name: str, chosen: Backbone) -> str:
    sides = ", ".join(map(str, chosen.imagenet_sides))
    parameters = f"{chosen.parameters_millions:.2f}"
    return f"| `{name}` | {parameters} | {chosen.smallest_side} | {sides} | {chosen.value_range.words} |"


if __name__ == "__main__":
    PAGE.write_text(render(PAGE.read_text()))
