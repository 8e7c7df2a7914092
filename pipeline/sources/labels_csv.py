"""A table that says of each picture what it shows, instead of class folders: columns path, label and perhaps split."""

import dataclasses
import os
from collections.abc import Collection, Iterable, Mapping
from pathlib import Path
from typing import NamedTuple

from base.errors import UserError, one_line
from base.splits import SPLIT_NAMES
from pipeline.sources.names import class_name, split_named
from pipeline.sources.picture_table import PATH_COLUMNS, PictureTable, shown

# What tables on the net call their columns; the first that a table has is taken.
_COLUMNS = {
    "path": PATH_COLUMNS,
    "label": ("label", "labels", "class", "class_name", "category", "target", "class_id", "classid"),
    "split": ("split", "subset", "set", "partition"),
}
_RULE = "its first line must name the columns path and label, and split if it has one, in any order"


class LabelRow(NamedTuple):
    """A line of the table: what its picture shows, its split or "", and where the line stands, the first being 1."""

    class_name: str
    split: str
    line: int


@dataclasses.dataclass(frozen=True)
class LabelTable:
    """The lines of the table at `path`, which are about pictures in the data folder `root`, by the path they name;
    `notes` say which columns were read, where that may be in doubt."""

    path: Path
    root: Path
    rows: Mapping[bytes, LabelRow]
    notes: tuple[str, ...] = ()

    @property
    def class_names(self) -> tuple[str, ...]:
        """In byte order, as those of class folders."""
        return tuple(sorted({row.class_name for row in self.rows.values()}, key=str.encode))

    def find(self, files: Iterable[bytes]) -> dict[bytes, LabelRow]:
        """The line of each of `files`, relative to the data folder, that has one; raises UserError where it has two."""
        return _table(self.path, self.root).find(self.rows, files)

    def labels_of(self, paths: Collection[bytes]) -> dict[bytes, int]:
        """The label of each of some files, or of paths as the table has them."""
        rows = self.rows | self.find(paths)
        return {path: self.class_names.index(rows[path].class_name) for path in paths}


def read_labels(path: Path, root: Path) -> LabelTable:
    """Reads a table whose paths are relative to `root`, the data folder, or to the table's own folder.

    As `PictureTable.read` reads; a path may lack its suffix. Raises UserError, with the line, for a table that leaves
    in doubt what a picture shows.
    """
    table = _table(path, root)
    header, lines = table.read("path and label", _RULE)
    places = _places(table, header, lines)
    rows: dict[bytes, LabelRow] = {}
    for number, fields in lines:
        written, label, split = ("" if place is None else fields[place].strip() for place in places.values())
        row = LabelRow(_class_name(table, number, label), _split_name(table, number, split), number)
        before = rows.setdefault(table.named(number, written), row)
        if before[:2] != row[:2]:
            now, then = (f"{one.class_name!r}{one.split and f' in {one.split}'}" for one in (row, before))
            raise table.error(number, f"{written!r} is {now} here and {then} in line {before.line}")
    _check(table, rows)
    return LabelTable(path, root, rows, _notes(path, header, places))


def _table(path: Path, root: Path) -> PictureTable:
    return PictureTable("--labels_csv", path, root)


def _places(table: PictureTable, header: list[str], lines: list[tuple[int, list[str]]]) -> dict[str, int | None]:
    """Which column is which. One that holds names of splits alone is that of the splits, whatever it is called."""
    plain = [name.replace(" ", "_").replace("-", "_") for name in header]
    places = {what: next((plain.index(name) for name in names if name in plain), None)
              for what, names in _COLUMNS.items()}  # fmt: skip
    if places["path"] is None or places["label"] is None:
        raise table.error(1, f"it names {', '.join(map(shown, header)):.200}: {_RULE}")
    twice = next(
        (header[place] for place in places.values() if place is not None and plain.count(plain[place]) > 1), ""
    )
    if twice:
        raise table.error(1, f"it names {twice!r} twice: keep one of them")
    if places["split"] is None:
        others = [place for place in range(len(header)) if place not in places.values()]
        places["split"] = next((place for place in others if _holds_splits(fields[place] for _, fields in lines)), None)
    return places


def _holds_splits(fields: Iterable[str]) -> bool:
    names = {split_named(field.strip()) for field in set(fields)}
    return "train" in names and "" not in names


def _notes(path: Path, header: list[str], places: Mapping[str, int | None]) -> tuple[str, ...]:
    """What was read, where the table has other columns, too, or such of other names."""
    others = [shown(name) for place, name in enumerate(header) if name and place not in places.values()]
    taken = ", ".join(f"{what} from column {header[place]!r}" for what, place in places.items() if place is not None)
    if not others and (places["split"] is None or header[places["split"]] in _COLUMNS["split"]):
        return ()
    return (f"{path.name}: {taken}" + (f"; not read: {', '.join(others):.200}" if others else ""),)


def _class_name(table: PictureTable, number: int, label: str) -> str:
    if not label:
        raise table.error(number, "no label: give one, or take the line away")
    try:
        return class_name(label.encode())
    except UnicodeEncodeError:
        raise table.error(
            number, f"the label '{one_line(os.fsencode(label))}' is no UTF-8: save the table so"
        ) from None


def _split_name(table: PictureTable, number: int, split: str) -> str:
    if split and not split_named(split):
        raise table.error(number, f"split {split!r}: it must be {', '.join(SPLIT_NAMES)}, or empty in all lines")
    return split_named(split)


def _check(table: PictureTable, rows: Mapping[bytes, LabelRow]) -> None:
    if not rows:
        raise UserError(
            f"{table.flag}={table.path} has only its first line: give a line a picture, with its path and label"
        )
    without = next((row.line for row in rows.values() if not row.split), None)
    if without and any(row.split for row in rows.values()):
        raise table.error(without, "no split, where other lines have one: give all of them one, or none")
