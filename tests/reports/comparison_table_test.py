"""A comparison on a terminal, and as a table."""

import csv
import io
import re

from base import durable
from reports.comparison_table import TABLE_BEGINNING, lines_of, table_rows
from tests.helpers.comparisons import comparison


def test_the_table_has_a_row_a_run(tmp_path):
    told = comparison(("first", "second, with a comma"))
    told["runs"][1] |= {"parameters": None, "milliseconds_a_picture": None}
    durable.write_csv(tmp_path / "comparison.csv", table_rows(told))
    content = (tmp_path / "comparison.csv").read_bytes()
    assert content.startswith(TABLE_BEGINNING)
    first, second = csv.DictReader(io.StringIO(content.decode()))
    assert (first["run"], first["path"], first["accuracy"], first["accuracy_low"]) == (
        "first", "/runs/first", "0.95", "0.8999999999999999")  # fmt: skip
    assert (first["milliseconds_a_picture_1"], first["milliseconds_a_picture_32"]) == ("12.345", "1.2345")
    assert (second["run"], second["parameters"], second["milliseconds_a_picture_32"]) == (
        "second, with a comma",
        "",
        "",
    )


def test_the_terminal_shows_runs_pairs_options_and_notes():
    told = comparison(notes=["this", "that"])
    lines = lines_of(told)
    assert lines[0] == "the runs' own test examples: 100 examples, the same for all runs"
    assert re.split("  +", lines[2].strip()) == [
        "first", "0.9500 (0.9000 to 0.9900)", "0.9400", "0.2500", "0.0625", "0.1250", "12.3 MB", "1,234,567", "1:02:05",
        "12.3, 1.23"]  # fmt: skip
    assert len({line.index("0.2500") for line in lines[2:4]}) == 1  # columns are aligned
    assert lines[4] == f"first and second: {told['pairs'][0]['verdict']}"
    assert lines[5].startswith(
        "  only the first right 15, only the second 0; first less second: accuracy +0.1500 (+0.0"
    )
    assert lines[6:] == ["options that differ:", "  epochs  10  11", "note: this", "note: that"]


def test_of_many_runs_the_last_line_is_the_conclusion():
    told = comparison(("a", "b", "c"), differing_options=[])
    lines = lines_of(told)
    assert lines[-2:] == ["options that differ: none", told["conclusion"]]
    assert sum(line.startswith(("a and b: ", "a and c: ", "b and c: ")) for line in lines) == 3
