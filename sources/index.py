"""Walks the class folders once, reads every file once, and says what is there.

A row's number is its example id for the life of the run: rows are sorted by label and path, so they depend on the
files alone. What a file says of itself (size, format, orientation, content hash) is remembered in the cache folder
and reused while its size and modification time stand.
"""

import concurrent.futures
import contextlib
import dataclasses
import functools
import hashlib
import os
import stat
from collections.abc import Sequence
from pathlib import Path

import numpy as np

import durable
from sources.folders import Catalog
from sources.headers import BadImage, read_header

INDEX_VERSION = 1
MAX_FILE_BYTES = 256 << 20
FORMATS = ("jpeg", "png", "gif", "bmp", "webp")
SPLIT_NAMES = ("train", "validation", "test")
_CHUNK_FILES = 128
_UNREADABLE = "cannot be read"

# One row of facts a file. `reason` is empty for a picture; the header facts are zero for a refused file.
_FACTS = np.dtype(
    [
        ("bytes", np.int64),
        ("mtime_ns", np.int64),
        ("width", np.int32),
        ("height", np.int32),
        ("channels", np.uint8),
        ("bit_depth", np.uint8),
        ("orientation", np.uint8),
        ("format", np.uint8),
        ("sha256", np.uint8, 32),
    ]
)


@dataclasses.dataclass(frozen=True)
class Manifest:
    """The examples of a data set, in columns; row i is the example whose id is i.

    Attributes:
      root: the data folder, as bytes, because a file name need not be UTF-8.
      class_names: by label.
      paths: relative to `root`, as bytes.
      labels: int32 [examples].
      given_splits: int8 [examples], an index into SPLIT_NAMES, or -1 where the folders name no split.
      facts: structured [examples]: bytes, mtime_ns, header facts, sha256.
      quarantine: (path, reason) of every file that was refused.
      data_origin: "real" or "synthetic".
    """

    root: bytes
    class_names: tuple[str, ...]
    paths: tuple[bytes, ...]
    labels: np.ndarray
    given_splits: np.ndarray
    facts: np.ndarray
    quarantine: tuple[tuple[bytes, str], ...]
    data_origin: str

    def __len__(self) -> int:
        return len(self.paths)

    @functools.cached_property
    def sha256(self) -> str:
        """Names everything derived from these examples: paths, labels, splits, contents; not times or places."""
        digest = hashlib.sha256(repr((INDEX_VERSION, self.class_names)).encode())
        digest.update(b"\0".join(self.paths))
        for column in (self.labels, self.given_splits, self.facts["sha256"]):
            digest.update(np.ascontiguousarray(column).tobytes())
        return digest.hexdigest()

    def full_path(self, example_id: int) -> bytes:
        """The path to open."""
        return os.path.join(self.root, self.paths[example_id])

    def shown_path(self, example_id: int) -> str:
        """The relative path as text; bytes that are not UTF-8 become surrogate escapes."""
        return os.fsdecode(self.paths[example_id])


def build_index(catalog: Catalog, cache_dir: Path, threads: int) -> Manifest:
    """Reads every file under the catalog's folders; raises no error for a bad file, but lists it.

    Links to files are followed, links to folders are not (a loop would never end). Hidden files are passed over.
    """
    found, unreadable = _walk(catalog)
    store = cache_dir / "indexes" / f"{_store_name(catalog)}.npz"
    facts, reasons = _recall(store, found)
    missing = [row for row in range(len(found)) if reasons[row] is None]
    if missing:
        for row, fact, reason in _inspect_all(catalog.root, found, missing, threads):
            facts[row], reasons[row] = fact, reason
        _remember(store, found, facts, reasons)
    return _assemble(catalog, found, facts, reasons, unreadable)


@dataclasses.dataclass(frozen=True, slots=True)
class _File:
    path: bytes
    label: int
    split: int
    bytes: int
    mtime_ns: int
    regular: bool


def _walk(catalog: Catalog) -> tuple[list[_File], list[tuple[bytes, str]]]:
    files: list[_File] = []
    unreadable: list[tuple[bytes, str]] = []
    for folder in catalog.folders:
        split = SPLIT_NAMES.index(folder.split) if folder.split else -1
        pending = [folder.path]
        while pending:
            _scan(catalog.root, pending, folder.label, split, files, unreadable)
    files.sort(key=lambda file: (file.label, file.path))
    return files, unreadable


def _scan(root, pending, label, split, files, unreadable) -> None:
    relative = pending.pop()
    try:
        entries = list(os.scandir(os.path.join(root, relative)))
    except OSError as error:
        unreadable.append((relative, f"folder cannot be read: {error.strerror}"))
        return
    for entry in entries:
        if entry.name.startswith(b"."):
            continue
        path = os.path.join(relative, entry.name)
        try:
            if entry.is_dir(follow_symlinks=False):
                pending.append(path)
                continue
            status = entry.stat()
        except OSError as error:
            unreadable.append((path, f"{_UNREADABLE}: {error.strerror}"))
            continue
        if stat.S_ISDIR(status.st_mode):
            unreadable.append((path, "link to a folder: not followed"))
            continue
        regular = stat.S_ISREG(status.st_mode)
        files.append(_File(path, label, split, status.st_size, status.st_mtime_ns, regular))


def _inspect_all(root: bytes, found: Sequence[_File], rows: Sequence[int], threads: int):
    chunks = [rows[start : start + _CHUNK_FILES] for start in range(0, len(rows), _CHUNK_FILES)]
    with concurrent.futures.ThreadPoolExecutor(threads) as pool:
        inspect_chunk = functools.partial(_inspect_chunk, root, found)
        for chunk in pool.map(inspect_chunk, chunks):
            yield from chunk


def _inspect_chunk(root: bytes, found: Sequence[_File], rows: Sequence[int]) -> list:
    return [(row, *_inspect(root, found[row])) for row in rows]


def _inspect(root: bytes, file: _File) -> tuple[tuple, str]:
    """(facts, reason): the reason is empty for a picture."""
    nothing = (file.bytes, file.mtime_ns, 0, 0, 0, 0, 0, 0, np.zeros(32, np.uint8))
    if not file.regular:
        return nothing, "not a regular file"
    if file.bytes > MAX_FILE_BYTES:
        return nothing, f"{file.bytes} bytes: more than the {MAX_FILE_BYTES} that one picture may have"
    try:
        with open(os.path.join(root, file.path), "rb", buffering=0) as opened:
            content = opened.read()
        header = read_header(content)
    except OSError as error:
        return nothing, f"{_UNREADABLE}: {error.strerror}"
    except BadImage as error:
        return nothing, str(error)
    digest = np.frombuffer(hashlib.sha256(content).digest(), np.uint8)
    seen = (header.width, header.height, header.channels, header.bit_depth, header.orientation)
    return (file.bytes, file.mtime_ns, *seen, FORMATS.index(header.format), digest), ""


def _store_name(catalog: Catalog) -> str:
    return hashlib.sha256(repr((INDEX_VERSION, catalog.root, catalog.folders)).encode()).hexdigest()[:32]


def _recall(store: Path, found: Sequence[_File]) -> tuple[np.ndarray, list[str | None]]:
    """The remembered (facts, reasons) of the files that have not changed; None as the reason of the others."""
    facts = np.zeros(len(found), _FACTS)
    reasons: list[str | None] = [None] * len(found)
    try:
        saved = durable.read_arrays(store)
        paths = saved["paths"].tobytes().split(b"\0")
        old_facts, old_reasons = saved["facts"], saved["reasons"].tobytes().decode().split("\0")
    except (OSError, ValueError, KeyError):
        return facts, reasons
    if old_facts.dtype != _FACTS or not len(paths) == len(old_facts) == len(old_reasons):
        return facts, reasons
    rows = {path: row for row, path in enumerate(paths)}
    for row, file in enumerate(found):
        old = rows.get(file.path)
        # A file that could not be read may be readable now: a change of permissions leaves no trace in its facts.
        if old is None or old_reasons[old].startswith(_UNREADABLE):
            continue
        if (file.bytes, file.mtime_ns) == (old_facts["bytes"][old], old_facts["mtime_ns"][old]):
            facts[row], reasons[row] = old_facts[old], old_reasons[old]
    return facts, reasons


def _remember(store: Path, found: Sequence[_File], facts: np.ndarray, reasons: Sequence[str]) -> None:
    paths = np.frombuffer(b"\0".join(file.path for file in found), np.uint8)
    texts = np.frombuffer("\0".join(reasons).encode(), np.uint8)
    with contextlib.suppress(OSError):  # a full disk: without it the next run only reads again
        durable.write_arrays(store, {"paths": paths, "facts": facts, "reasons": texts})


def _assemble(catalog, found, facts, reasons, unreadable) -> Manifest:
    kept = [row for row, reason in enumerate(reasons) if not reason]
    refused = [(found[row].path, reason) for row, reason in enumerate(reasons) if reason]
    return Manifest(
        root=catalog.root,
        class_names=catalog.class_names,
        paths=tuple(found[row].path for row in kept),
        labels=np.array([found[row].label for row in kept], np.int32),
        given_splits=np.array([found[row].split for row in kept], np.int8),
        facts=facts[kept],
        quarantine=tuple(sorted(refused + unreadable)),
        data_origin=catalog.data_origin,
    )
