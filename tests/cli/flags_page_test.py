"""flags.md says what the scripts define."""

from cli import flags_page


def test_flags_md_is_fresh():
    assert flags_page.PAGE.read_text() == flags_page.render(), "run `make flags`"


def test_every_flag_is_explained():
    rows = [line for line in flags_page.render().splitlines() if line.startswith("| `--")]
    assert len(rows) > 60
    assert all(len(row.split(" | ")[2]) > 3 for row in rows)
