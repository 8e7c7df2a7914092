"""A table of the user's that says something of pictures: how it is read, and which file a path of it means."""

import csv
import dataclasses
import functools
import io
import os
import unicodedata
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Protocol, TypeVar

from base.errors import UserError, one_line

# What tables on the net call the column; the first that a table has is taken.
PATH_COLUMNS = (
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
)
_DELIMITERS = ",;\t"
_BYTE_ORDER_MARKS = (b"\xff\xfe", b"\xfe\xff")  # of UTF-16, which spreadsheets write
# Some tables leave the suffix out.
_SUFFIXES = (b"", b".jpg", b".jpeg", b".png", b".JPG", b".JPEG", b".PNG", b".webp", b".bmp", b".gif")


class Lined(Protocol):
    """Something that stands in a line of the table, the first being 1."""

    line: int


Row = TypeVar("Row", bound=Lined)


@dataclasses.dataclass(frozen=True)
class PictureTable:
    """The table at `path`, which `flag` names, as "--labels_csv"; its paths are relative to `root`, the data folder, or
    to the table's own folder."""

    flag: str
    path: Path
    root: Path

    def read(self, holds: str, rule: str) -> tuple[list[str], list[tuple[int, list[str]]]]:
        """(names of the columns in lower case, (line, fields) of each row that is not empty).

        Commas, semicolons or tabs; UTF-8 or UTF-16. Raises UserError for what is no table: it `holds` columns, as "path
        and label", and `rule` says what its first line must be.
        """
        try:
            content = self.path.read_bytes()
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
                f"{self.flag}={self.path} cannot be read: {error.strerror}; give a table of {holds}"
            ) from None
        except (UnicodeDecodeError, csv.Error) as error:
            raise UserError(f"{self.flag}={self.path} is no table ({error}): save it as CSV in UTF-8") from None
        if not rows:
            raise UserError(f"{self.flag}={self.path} is empty: {rule}")
        header, lines = [name.strip().lower() for name in rows[0][1]], rows[1:]
        for number, fields in lines:
            if len(fields) != len(header):
                raise self.error(number, f"{len(fields)} fields, and the first line has {len(header)}")
        return header, lines

    def named(self, number: int, written: str) -> bytes:
        """A path as a line has it; raises UserError for one that lies outside the data folder."""
        if not written:
            raise self.error(number, "no path")
        named = os.fsencode(written)
        if "\0" in written or next(iter(self._readings(named)), None) is None:
            raise self.error(number, f"{written!r:.200} does not lie in the data folder {str(self.root)!r}")
        return named

    def find(self, rows: Mapping[bytes, Row], files: Iterable[bytes]) -> dict[bytes, Row]:
        """Of `rows`, by path as written, that of each of `files`, relative to the data folder, that has one; raises
        UserError where it has two."""
        there, found = set(files), {}

        @functools.cache
        def composed() -> dict[bytes, bytes]:
            return {_composed(file): file for file in there}

        for written, row in rows.items():
            if written in there:
                file = written
            else:
                readings = functools.partial(self._readings, written)
                file = next((one for one in readings() if one in there), None)
                # As names of classes, those of files are spelled in other ways on other systems.
                file = file or next((composed()[one] for one in map(_composed, readings()) if one in composed()), None)
            if file in found and file is not None:
                raise UserError(
                    f"{self.flag}={self.path}: lines {found[file].line} and {row.line} both name '{one_line(file)}': "
                    "keep one of them"
                )
            if file is not None:
                found[file] = row
        return found

    def error(self, number: int, text: str) -> UserError:
        """What is wrong with a line."""
        return UserError(f"{self.flag}={self.path}, line {number}: {text}")

    def _readings(self, written: bytes) -> Iterable[bytes]:
        """The files, relative to the data folder, that a path of the table may mean, the likeliest first."""
        table_folder, data_folder = (os.fsencode(os.path.abspath(folder)) for folder in (self.path.parent, self.root))
        for spelled in dict.fromkeys((written, written.replace(b"\\", b"/"))):
            for folder in dict.fromkeys((data_folder, table_folder)):
                file = os.path.relpath(os.path.join(folder, spelled), data_folder)
                if file.startswith(b"../") and spelled.startswith(b"/"):  # perhaps through a link
                    file = os.path.relpath(_real(spelled), _real(data_folder))
                if not file.startswith(b"../"):
                    yield from (file + suffix for suffix in _SUFFIXES)


def shown(text: str) -> str:
    """A text of the table in one line."""
    return one_line(os.fsencode(text))


def _real(file: bytes) -> bytes:
    """With the links on its way followed, and not that which the file itself may be."""
    return os.path.join(_real_folder(os.path.dirname(file)), os.path.basename(file))


@functools.lru_cache
def _real_folder(folder: bytes) -> bytes:
    return os.path.realpath(folder)


def _composed(file: bytes) -> bytes:
    return file if file.isascii() else os.fsencode(unicodedata.normalize("NFC", os.fsdecode(file)))
