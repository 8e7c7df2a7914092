"""Accuracy by properties of the pictures, as a section of a page."""

import itertools
from collections.abc import Iterator, Sequence

from evaluation.slices import ERROR, FEWEST, WORSE
from records.tables import SliceRow
from reports.templates import Section

MOST_SLICES = 12  # of one column; of more, the least accurate are shown


def slices_section(rows: Sequence[SliceRow]) -> Iterator[Section]:
    """A table a column of slices.csv, whose fields may be text; nothing where there are no rows."""
    if not rows:
        return
    groups = [(name, list(group)) for name, group in itertools.groupby(rows, lambda row: row.column)]
    columns = [(name, _shown(group), len(group)) for name, group in groups]
    yield Section("slices", "Slices", "slices.html", {
        "columns": columns, "asked": sum(bool(row.corrected_low) for row in rows), "fewest": FEWEST, "error": ERROR,
        "worse": sum(row.verdict == WORSE for row in rows), "WORSE": WORSE,
    })  # fmt: skip


def _shown(group: Sequence[SliceRow]) -> list[SliceRow]:
    rows = [
        row._replace(examples=int(row.examples), accuracy=float(row.accuracy), low=float(row.low), high=float(row.high))
        for row in group
    ]
    return rows if len(rows) <= MOST_SLICES else sorted(rows, key=lambda row: row.accuracy)[:MOST_SLICES]
