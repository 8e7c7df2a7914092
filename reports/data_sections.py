"""Sections of a page that show the examples: counts, what is not used, sheets."""

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence

import numpy as np

from base.splits import SPLIT_NAMES
from records.tables import RefusedRow, SplitRow
from reports.contact_sheet import Sheet
from reports.page_pictures import shown_sheet
from reports.templates import Section

MOST_CLASSES = 50  # rows of the table that are shown without a click


def data_figures(rows: Sequence[SplitRow], class_names: Sequence[str]) -> dict:
    """Examples a class and split ("rows", "totals"), and how many files have their content in two splits ("shared") or
    in two classes ("contradicting")."""
    counts, twins = Counter(), {"split": defaultdict(Counter), "label": defaultdict(Counter)}
    for row in rows:
        counts[row.label, row.split] += 1
        for column, values in twins.items():
            values[row.sha256][getattr(row, column)] += bool(row.sha256)
    table = [(name, [counts[name, split] for split in SPLIT_NAMES]) for name in class_names]
    return {
        "rows": table,
        "totals": np.array([row for _, row in table]).sum(axis=0).tolist(),
        "shared": sum(splits.total() for splits in twins["split"].values() if len(splits) > 1),
        "contradicting": sum(labels.total() for labels in twins["label"].values() if len(labels) > 1),
    }


def data_section(
    figures: Mapping, quarantine: Sequence[RefusedRow], aside: Sequence[RefusedRow], notes: Sequence[str]
) -> Section:
    """Of `data_figures`; and what is not used."""
    unused = [("quarantined", quarantine, "quarantine.csv"), ("not used", aside, "left_aside.csv")]
    values = {"data": figures, "unused": unused, "notes": notes, "split_names": SPLIT_NAMES,
              "are_many": len(figures["rows"]) > MOST_CLASSES}  # fmt: skip
    return Section("data", "Data", "data.html", values)


def sheet_sections(sheets: tuple[Sheet | None, Sheet | None]) -> Iterator[Section]:
    """Of the sheets of examples and of augmented examples, those that were drawn."""
    words = [("samples", "Examples", "As the model sees them: decoded and resized."),
             ("augmentation", "Augmentation", "The same examples as training sees them.")]  # fmt: skip
    for (name, title, text), sheet in zip(words, sheets, strict=True):
        if sheet is not None:
            yield Section(name, title, "sheet.html", {"text": text, "sheet": shown_sheet(sheet)})
