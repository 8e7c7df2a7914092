"""A table that says of each picture what it shows, instead of class folders: columns path, label and perhaps split."""

import csv
import dataclasses
import functools
import io
import os
import unicodedata
from collections.abc import Collection, Iterable, Mapping
from pathlib import Path
from typing import NamedTuple

from base.errors import UserError, one_line
from base.splits import SPLIT_NAMES
from pipeline.sources.names import class_name, split_named

# What tables on the net call their columns; the first that a table has is taken.
_COLUMNS = {
    "path": (
        "path",
        "filepath",
        "file_path",
        "filename",
        "file_name",
        "file",
        "image",
        "image_path",
        "image_name",
        "img",
        "image_id",
        "id",
    ),
    "label": ("label", "labels", "class", "class_name", "category", "target", "class_id", "classid"),
    "split": ("split", "subset", "set", "partition"),
}
_RULE = "its first line must name the columns path and label, and split if it has one, in any order"
_DELIMITERS = ",;\t"
_BYTE_ORDER_MARKS = (b"\xff\xfe", b"\xfe\xff")  # of UTF-16, which spreadsheets write
# Some tables leave the suffix out.
_SUFFIXES = (b"", b".jpg", b".jpeg", b".png", b".JPG", b".JPEG", b".PNG", b".webp", b".bmp", b".gif")


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
        there, found = set(files), {}

        @functools.cache
        def composed() -> dict[bytes, bytes]:
            return {_composed(file): file for file in there}

        for written, row in self.rows.items():
            if written in there:
                file = written
            else:
                readings = functools.partial(_readings, written, self.path, self.root)
                file = next((one for one in readings() if one in there), None)
                # As names of classes, those of files are spelled in other ways on other systems.
                file = file or next((composed()[one] for one in map(_composed, readings()) if one in composed()), None)
            if file in found and file is not None:
                raise UserError(
                    f"--labels_csv={self.path}: lines {found[file].line} and {row.line} both name '{one_line(file)}': "
                    "keep one of them"
                )
            if file is not None:
                found[file] = row
        return found

    def labels_of(self, paths: Collection[bytes]) -> dict[bytes, int]:
        """The label of each of some files, or of paths as the table has them."""
        rows = self.rows | self.find(paths)
        return {path: self.class_names.index(rows[path].class_name) for path in paths}


def read_labels(path: Path, root: Path) -> LabelTable:
    """Reads a table whose paths are relative to `root`, the data folder, or to the table's own folder.

    Commas, semicolons or tabs; UTF-8 or UTF-16; a path may lack its suffix. Raises UserError, with the line, for a
    table that leaves in doubt what a picture shows.
    """
    header, lines = _read(path)
    for number, fields in lines:
        if len(fields) != len(header):
            raise _error(path, number, f"{len(fields)} fields, and the first line has {len(header)}")
    places = _places(path, header, lines)
    rows: dict[bytes, LabelRow] = {}
    for number, fields in lines:
        written, label, split = ("" if place is None else fields[place].strip() for place in places.values())
        row = LabelRow(_class_name(path, number, label), _split_name(path, number, split), number)
        before = rows.setdefault(_checked_path(path, number, written, root), row)
        if before[:2] != row[:2]:
            now, then = (f"{one.class_name!r}{one.split and f' in {one.split}'}" for one in (row, before))
            raise _error(path, number, f"{written!r} is {now} here and {then} in line {before.line}")
    _check(path, rows)
    return LabelTable(path, root, rows, _notes(path, header, places))


def _places(path: Path, header: list[str], lines: list[tuple[int, list[str]]]) -> dict[str, int | None]:
    """Which column is which. One that holds names of splits alone is that of the splits, whatever it is called."""
    plain = [name.replace(" ", "_").replace("-", "_") for name in header]
    places = {what: next((plain.index(name) for name in names if name in plain), None)
              for what, names in _COLUMNS.items()}  # fmt: skip
    if places["path"] is None or places["label"] is None:
        raise _error(path, 1, f"it names {', '.join(map(_shown, header)):.200}: {_RULE}")
    twice = next(
        (header[place] for place in places.values() if place is not None and plain.count(plain[place]) > 1), ""
    )
    if twice:
        raise _error(path, 1, f"it names {twice!r} twice: keep one of them")
    if places["split"] is None:
        others = [place for place in range(len(header)) if place not in places.values()]
        places["split"] = next((place for place in others if _holds_splits(fields[place] for _, fields in lines)), None)
    return places


def _holds_splits(fields: Iterable[str]) -> bool:
    names = {split_named(field.strip()) for field in set(fields)}
    return "train" in names and "" not in names


def _notes(path: Path, header: list[str], places: Mapping[str, int | None]) -> tuple[str, ...]:
    """What was read, where the table has other columns, too, or such of other names."""
    others = [_shown(name) for place, name in enumerate(header) if name and place not in places.values()]
    taken = ", ".join(f"{what} from column {header[place]!r}" for what, place in places.items() if place is not None)
    if not others and (places["split"] is None or header[places["split"]] in _COLUMNS["split"]):
        return ()
    return (f"{path.name}: {taken}" + (f"; not read: {', '.join(others):.200}" if others else ""),)


def _shown(text: str) -> str:
    return one_line(os.fsencode(text))


def _read(path: Path) -> tuple[list[str], list[tuple[int, list[str]]]]:
    """(names of the columns in lower case, (line, fields) of each row that is not empty)."""
    try:
        content = path.read_bytes()
        utf_16 = content.startswith(_BYTE_ORDER_MARKS)
        # File names need not be UTF-8.
        text = content.decode("utf-16") if utf_16 else content.decode("utf-8-sig", "surrogateescape")
        if "\0" in text:
            raise csv.Error("it holds NUL bytes, as no text does")
        delimiter = max(_DELIMITERS, key=text.lstrip().partition("\n")[0].count)
        reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, skipinitialspace=True, strict=True)
        rows = [(reader.line_num, row) for row in reader if any(field.strip() for field in row)]
    except OSError as error:
        raise UserError(
            f"--labels_csv={path} cannot be read: {error.strerror}; give a table of path and label"
        ) from None
    except (UnicodeDecodeError, csv.Error) as error:
        raise UserError(f"--labels_csv={path} is no table ({error}): save it as CSV in UTF-8") from None
    if not rows:
        raise UserError(f"--labels_csv={path} is empty: {_RULE}")
    return [name.strip().lower() for name in rows[0][1]], rows[1:]


def _readings(written: bytes, path: Path, root: Path) -> Iterable[bytes]:
    """The files, relative to the data folder, that a path of the table may mean, the likeliest first."""
    table_folder, data_folder = (os.fsencode(os.path.abspath(folder)) for folder in (path.parent, root))
    for spelled in dict.fromkeys((written, written.replace(b"\\", b"/"))):
        for folder in dict.fromkeys((data_folder, table_folder)):
            file = os.path.relpath(os.path.join(folder, spelled), data_folder)
            if file.startswith(b"../") and spelled.startswith(b"/"):  # perhaps through a link
                file = os.path.relpath(_real(spelled), _real(data_folder))
            if not file.startswith(b"../"):
                yield from (file + suffix for suffix in _SUFFIXES)


def _real(file: bytes) -> bytes:
    """With the links on its way followed, and not that which the file itself may be."""
    return os.path.join(_real_folder(os.path.dirname(file)), os.path.basename(file))


@functools.lru_cache
def _real_folder(folder: bytes) -> bytes:
    return os.path.realpath(folder)


def _composed(file: bytes) -> bytes:
    return file if file.isascii() else os.fsencode(unicodedata.normalize("NFC", os.fsdecode(file)))


def _checked_path(path: Path, number: int, written: str, root: Path) -> bytes:
    if not written:
        raise _error(path, number, "no path")
    named = os.fsencode(written)
    if "\0" in written or next(iter(_readings(named, path, root)), None) is None:
        raise _error(path, number, f"{written!r:.200} does not lie in the data folder {str(root)!r}")
    return named


def _class_name(path: Path, number: int, label: str) -> str:
    if not label:
        raise _error(path, number, "no label: give one, or take the line away")
    try:
        return class_name(label.encode())
    except UnicodeEncodeError:
        raise _error(
            path, number, f"the label '{one_line(os.fsencode(label))}' is no UTF-8: save the table so"
        ) from None


def _split_name(path: Path, number: int, split: str) -> str:
    if split and not split_named(split):
        raise _error(path, number, f"split {split!r}: it must be {', '.join(SPLIT_NAMES)}, or empty in all lines")
    return split_named(split)


def _check(path: Path, rows: Mapping[bytes, LabelRow]) -> None:
    if not rows:
        raise UserError(f"--labels_csv={path} has only its first line: give a line a picture, with its path and label")
    without = next((row.line for row in rows.values() if not row.split), None)
    if without and any(row.split for row in rows.values()):
        raise _error(path, without, "no split, where other lines have one: give all of them one, or none")


def _error(path: Path, number: int, text: str) -> UserError:
    return UserError(f"--labels_csv={path}, line {number}: {text}")
