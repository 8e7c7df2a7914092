"""Pictures whose labels may be wrong: a section of a page, and the same as a contact sheet."""

import dataclasses
from collections.abc import Mapping, Sequence

import numpy as np

from records.tables import LabelIssueRow
from reports.contact_sheet import Band, Sheet, Tile, small
from reports.numbers import percent
from reports.page_pictures import photo
from reports.templates import Section


@dataclasses.dataclass(frozen=True, slots=True)
class Suspect:
    """A row of suspicious_labels.csv and its picture, [height, width, 1 or 3] uint8."""

    row: LabelIssueRow
    image: np.ndarray


def suspicious_section(suspects: Sequence[Suspect], words: Sequence[str], rests_on: str) -> Section:
    """The first of the table with their pictures; `words` say how many there are, `rests_on` on whose word that is."""
    shown = [(one.row, photo(one.image)) for one in suspects]
    return Section(
        "suspicious", "Suspicious labels", "suspicious.html", {"shown": shown, "words": words, "rests_on": rests_on}
    )


def suspicious_sheet(suspects: Sequence[Suspect], numbers: Mapping[str, int]) -> Sheet:
    """The same pictures, at least one; `numbers` are those of the classes, for names that the font cannot write."""

    def tile(one: Suspect) -> Tile:
        row = one.row
        shares = [percent(share) for share in (row.label_probability, row.suggested_probability)]
        name = f"{row.rank}. {row.label} {shares[0]}: {row.suggested_label} {shares[1]}?"
        label, suggestion = (f"class {numbers[name]}" for name in (row.label, row.suggested_label))
        return Tile(small(one.image), name, row.path, f"{row.rank}. {label} {shares[0]}: {suggestion} {shares[1]}?")

    return Sheet([Band([tile(one) for one in suspects])], "These labels may be wrong: look at them")
