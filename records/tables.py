"""Tables of text: a row type each, whose fields are the columns; written and read here alone."""

import csv
import dataclasses
from collections.abc import Iterable
from pathlib import Path
from typing import Generic, NamedTuple, TypeVar

from base import durable

Row = TypeVar("Row", bound=tuple)


class SplitRow(NamedTuple):
    """An example, its class and split, and the SHA-256 of its bytes in hexadecimal.

    A path, here and in the other tables, is text; bytes that are no UTF-8 are surrogate escapes.
    """

    path: str
    label: str
    split: str
    sha256: str


class RefusedRow(NamedTuple):
    """A file that was refused, and the reason."""

    path: str
    reason: str


class BatchRow(NamedTuple):
    """An example of a step whose numbers went bad; `finite` is "yes" where its own loss is, else "no"."""

    step: int
    example_id: int
    path: str
    label: str
    finite: str


@dataclasses.dataclass(frozen=True)
class Table(Generic[Row]):
    """A file's name and the type of its rows."""

    name: str
    row_type: type[Row]

    @property
    def beginning(self) -> bytes:
        """How the file begins: the line that names the columns."""
        return ",".join(self.row_type._fields).encode() + b"\n"

    def write(self, path: Path, rows: Iterable[Row]) -> None:
        """Writes the table to `path`, whole or not at all; raises OSError."""
        durable.write_csv(path, [self.row_type._fields, *rows])

    def read(self, path: Path) -> list[Row]:
        """The rows, every field as text; raises OSError, and ValueError for a file that is no such table."""
        header, rows = read_lines(path)
        lost = next((name for name in self.row_type._fields if name not in header), None)
        if lost:
            raise ValueError(f"{path.name} has no column {lost!r}")
        places = [header.index(name) for name in self.row_type._fields]
        return [self.row_type(*(row[place] for place in places)) for row in rows]


SPLIT = Table("split.csv", SplitRow)
QUARANTINE = Table("quarantine.csv", RefusedRow)
BAD_BATCH = Table("bad_batch.csv", BatchRow)


def read_lines(path: Path) -> tuple[list[str], list[list[str]]]:
    """(names of the columns, the rows); raises OSError, and ValueError where the rows are not all of one length."""
    try:
        with open(path, newline="", encoding="utf-8", errors="surrogateescape") as file:
            header, *rows = [row for row in csv.reader(file) if row] or [[]]
    except csv.Error as error:
        raise ValueError(f"{path.name} is no table: {error}") from None
    uneven = next((row for row in rows if len(row) != len(header)), None)
    if uneven:
        raise ValueError(f"{path.name} has {len(header)} columns and a row of {len(uneven)} fields")
    return header, rows
