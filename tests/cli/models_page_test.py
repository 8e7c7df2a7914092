"""docs/models.md says which models there are."""

from cli import models_page
from models.options import MODEL_NAMES


def test_the_page_is_fresh_and_names_every_model():
    page = models_page.PAGE.read_text()
    assert page == models_page.render(page), "run `make flags`"
    assert [name for name in MODEL_NAMES if f"`{name}`" not in page] == []


def test_only_the_table_is_written_anew():
    page = models_page.PAGE.read_text()
    broken = page.replace("| `vgg16` |", "| `vgg17` |")
    assert broken != page
    assert models_page.render(broken) == page
