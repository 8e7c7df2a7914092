"""A table that says something of each picture besides what it shows: a column of paths, and columns of values."""

import dataclasses
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from base.errors import UserError, one_line
from pipeline.sources.picture_table import PATH_COLUMNS, PictureTable, shown

_RULE = "its first line must name the columns: path, then what is known of each picture"


class _ValueRow(NamedTuple):
    values: tuple[str, ...]
    line: int


@dataclasses.dataclass(frozen=True)
class ValueTable:
    """The lines of the table, by the path they name, and the names of its other columns."""

    table: PictureTable
    names: tuple[str, ...]
    rows: Mapping[bytes, _ValueRow]

    def values_of(self, files: Sequence[bytes]) -> tuple[dict[str, list[str]], list[str]]:
        """(the values of each of `files`, relative to the data folder, by column; notes on what the table lacks and has
        besides). The value of a file that the table does not name is empty.

        Raises UserError where it names none of them, or one twice.
        """
        found = self.table.find(self.rows, files)
        if not found:
            first = next(iter(self.rows))
            raise UserError(
                f"{self.table.flag}={self.table.path} names none of the {len(files)} pictures that are scored, as "
                f"'{one_line(files[0]):.200}'; its first is '{one_line(first):.200}': give paths as predictions.csv "
                f"has them, or relative to {str(self.table.root)!r}"
            )
        empty = ("",) * len(self.names)
        lines = [found[file].values if file in found else empty for file in files]
        columns = {name: [line[place] for line in lines] for place, name in enumerate(self.names)}
        others = len(self.rows) - len(found)
        counts = {"pictures are not in it": len(files) - len(found), "of its lines are of others": others}
        notes = [f"{self.table.path.name}: {count} {what}" for what, count in counts.items() if count]
        return columns, notes


def read_values(flag: str, path: Path, root: Path) -> ValueTable:
    """Reads the table that `flag` names; its paths are relative to `root`, the data folder, or to its own folder.

    They stand in the first column that is called as one of paths, else in the first column. Raises UserError, with the
    line, for a table that leaves in doubt which values a picture has.
    """
    table = PictureTable(flag, path, root)
    header, lines = table.read("path and values", _RULE)
    names, place = _columns(table, header)
    if not lines:
        raise UserError(f"{flag}={path} has only its first line: give a line a picture, with its path and values")
    rows: dict[bytes, _ValueRow] = {}
    for number, fields in lines:
        written = fields[place].strip()
        row = _ValueRow(tuple(field.strip() for column, field in enumerate(fields) if column != place), number)
        before = rows.setdefault(table.named(number, written), row)
        if before.values != row.values:
            raise table.error(number, f"{written!r:.200} has other values here than in line {before.line}: keep one")
    return ValueTable(table, names, rows)


def _columns(table: PictureTable, header: Sequence[str]) -> tuple[tuple[str, ...], int]:
    """(the names of the columns of values, the place of that of paths)."""
    plain = [name.replace(" ", "_").replace("-", "_") for name in header]
    place = next((plain.index(name) for name in PATH_COLUMNS if name in plain), 0)
    names = tuple(shown(name) for column, name in enumerate(header) if column != place)
    if not names:
        raise table.error(1, f"it names {shown(header[0])!r:.200} alone, and no column of values: {_RULE}")
    twice = next((name for name in header if header.count(name) > 1), None)
    if "" in header:
        raise table.error(1, "a column has no name: give it one")
    if twice:
        raise table.error(1, f"it names {twice!r:.200} twice: keep one of them")
    return names, place
