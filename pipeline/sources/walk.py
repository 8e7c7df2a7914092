"""Which files there are under the class folders, with size and time, in columns; nothing is opened."""

import dataclasses
import os
import stat
from array import array

import numpy as np

from base.errors import UserError, one_line
from base.files import MAX_INT64, NOT_A_FILE
from base.splits import SPLIT_NAMES
from pipeline.sources.entries import IN_SYSTEM_FOLDER
from pipeline.sources.folders import Catalog, Folder
from pipeline.sources.labels_csv import LabelTable
from pipeline.sources.names import SYSTEM_FOLDERS
from pipeline.sources.picture_like import is_picture_name

UNREADABLE = "cannot be read"


@dataclasses.dataclass(frozen=True)
class Found:
    """Files, in columns, sorted by label and path.

    `paths` are relative to the data folder; `labels` int32, `given_splits` int8 (an index into SPLIT_NAMES, or -1 where
    the folders name none), `bytes` and `mtime_ns` int64, all [files]; `refused` are (path, reason) of what is no file,
    or cannot be looked at; `aside` of what is none of the user's pictures.
    """

    paths: list[bytes]
    labels: np.ndarray
    given_splits: np.ndarray
    bytes: np.ndarray
    mtime_ns: np.ndarray
    refused: list[tuple[bytes, str]]
    aside: list[tuple[bytes, str]]

    def __len__(self) -> int:
        return len(self.paths)


def walk(catalog: Catalog) -> Found:
    """Looks at every entry once: about 3 microseconds a file, nearly all of it the system's `stat`.

    Links to files are followed, links to folders are not (a loop would never end). Hidden files are passed over.
    """
    columns = _Columns()
    counts = [columns.add_folder(catalog.root, folder) for folder in catalog.folders]
    if catalog.table:
        labels, splits = _look_up(catalog, columns)
    else:
        labels = np.repeat(np.array([folder.label for folder in catalog.folders], np.int32), counts)
        codes = [_code(folder.split) for folder in catalog.folders]
        splits = np.repeat(np.array(codes, np.int8), counts)
    # A class at a time, so that the keys are the paths themselves and not a million pairs.
    members = [np.flatnonzero(labels == label).tolist() for label in range(len(catalog.class_names))]
    rows = [row for one_class in members for row in sorted(one_class, key=columns.paths.__getitem__)]
    paths, rows = [columns.paths[row] for row in rows], np.array(rows, np.int64)
    sizes, times = (np.frombuffer(column, np.int64)[rows] for column in (columns.bytes, columns.mtime_ns))
    return Found(paths, labels[rows], splits[rows], sizes, times, columns.refused, columns.aside)


def _look_up(catalog: Catalog, columns: "_Columns") -> tuple[np.ndarray, np.ndarray]:
    """(labels, -1 for what the table does not name; splits) of all files; tells what is not named, and not there."""
    table, found = catalog.table, catalog.table.find(columns.paths)
    numbers = {name: label for label, name in enumerate(catalog.class_names)}
    rows = [found.get(path) for path in columns.paths]
    itself = os.path.relpath(os.path.realpath(table.path), os.path.realpath(os.fsdecode(catalog.root)))
    walked = {folder.path for folder in catalog.folders}  # links among them
    # What of them the table names is not there, as a picture.
    columns.aside += [one for one in columns.refused if one[0] not in walked]
    columns.aside += [
        (path, f"no line of {table.path.name} names it")
        for path, row in zip(columns.paths, rows, strict=True)
        if row is None and path != os.fsencode(itself)
    ]
    there = {row.line for row in found.values()}
    missing = {path: row for path, row in table.rows.items() if row.line not in there}
    near = {path.lower(): path for path in columns.paths} if missing else {}
    columns.refused = [
        (path, f"not there: line {row.line} of {table.path.name} names it" + _near(near.get(path.lower())))
        for path, row in missing.items()
    ]
    if not there:
        raise _nothing_found(table, columns.paths)
    labels = np.array([-1 if row is None else numbers[row.class_name] for row in rows], np.int32)
    return labels, np.array([-1 if row is None else _code(row.split) for row in rows], np.int8)


def _near(path: bytes | None) -> str:
    return f"; there is '{one_line(path)}'" if path else ""


def _nothing_found(table: LabelTable, paths: list[bytes]) -> UserError:
    """Of a table none of whose lines names a file; says where one with the name of the first lies."""
    written, row = next(iter(table.rows.items()))
    same = next((path for path in paths if path.endswith(b"/" + written)), None)
    hint = "give the folder in which its paths begin, with --dataset=folder:PATH"
    if same:
        place = table.root / os.fsdecode(same[: -len(written) - 1])
        hint = f"there is '{one_line(same)}': give --dataset=folder:{place}"
    return UserError(
        f"--labels_csv={table.path}: none of its {len(table.rows)} pictures is in the data folder {str(table.root)!r}, "
        f"as '{one_line(written)}' of line {row.line}; {hint}"
    )


def _code(split: str) -> int:
    return SPLIT_NAMES.index(split) if split else -1


class _Columns:
    """Plain columns instead of an object a file: a million files fit in 100 MB, and cost no collector's time."""

    def __init__(self):
        self.paths: list[bytes] = []
        self.bytes, self.mtime_ns = array("q"), array("q")
        self.refused: list[tuple[bytes, str]] = []
        self.aside: list[tuple[bytes, str]] = []

    def add_folder(self, root: bytes, folder: Folder) -> int:
        """Adds all that lies under a class folder, at any depth; returns how many files that were."""
        before, pending = len(self.paths), [folder.path]
        while pending:
            relative = pending.pop()
            try:
                # Of an open folder `stat` asks by the name alone: 11 % less than by the whole path.
                handle = os.open(os.path.join(root, relative), os.O_RDONLY | os.O_DIRECTORY)
                try:
                    self._add_entries(handle, relative and relative + b"/", pending)
                finally:
                    os.close(handle)
            except OSError as error:
                self.refused.append((relative, f"folder cannot be read: {error.strerror}"))
        return len(self.paths) - before

    def _add_entries(self, folder: int, prefix: bytes, pending: list[bytes]) -> None:
        names = []
        try:
            with os.scandir(folder) as entries:
                for entry in entries:
                    if entry.name[0] != ".":
                        names.append(entry.name)
        finally:  # also where the folder became unreadable halfway
            if names:
                # Encoded together. Sorted before they are asked for, they need hardly be sorted again, and their files
                # mostly come in the order in which they were made, and so lie.
                self._add_names(folder, prefix, sorted(os.fsencode("\0".join(names)).split(b"\0")), pending)

    def _add_names(self, folder: int, prefix: bytes, names: list[bytes], pending: list[bytes]) -> None:
        add_path, add_bytes, add_time = self.paths.append, self.bytes.append, self.mtime_ns.append
        for name in names:
            try:
                status = os.stat(name, dir_fd=folder)
            except OSError as error:
                self._refuse(prefix + name, f"{UNREADABLE}: {error.strerror}")
                continue
            if stat.S_IFMT(status.st_mode) == stat.S_IFREG:
                add_path(prefix + name)
                add_bytes(status.st_size)
                add_time(status.st_mtime_ns & MAX_INT64)  # file systems go on after the year 2262
            else:
                self._add_other(folder, name, prefix + name, status, pending)

    def _add_other(self, folder: int, name: bytes, path: bytes, status: os.stat_result, pending: list[bytes]) -> None:
        if not stat.S_ISDIR(status.st_mode):
            self._refuse(path, NOT_A_FILE)
        elif name.lower() in SYSTEM_FOLDERS:
            self.aside.append((path, IN_SYSTEM_FOLDER))
        elif stat.S_ISLNK(os.lstat(name, dir_fd=folder).st_mode):
            self.refused.append((path, "link to a folder: not followed"))
        else:
            pending.append(path)

    def _refuse(self, path: bytes, reason: str) -> None:
        (self.refused if is_picture_name(path) else self.aside).append((path, reason))
