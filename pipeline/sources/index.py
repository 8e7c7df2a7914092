"""Walks the class folders once, reads every file once, and says what is there.

A row's number is its example id for the life of the run: rows are sorted by label and path, so they depend on the
files alone. What a file says of itself (size, format, orientation, content hash) is remembered in the cache folder
and reused while its size and modification time stand.
"""

import concurrent.futures
import functools
import hashlib
import itertools
import os
from pathlib import Path

import numpy as np

from base import durable, kill_points, locks
from base.errors import BadImage
from base.files import read_file
from base.watch import SILENT, Watch
from pipeline.sources.folders import Catalog
from pipeline.sources.headers import Header, read_header
from pipeline.sources.manifest import INDEX_VERSION, Manifest
from pipeline.sources.picture_like import begins_as_picture, is_picture_name
from pipeline.sources.source import Files
from pipeline.sources.walk import UNREADABLE, Found, walk

NO_PICTURE = "no pictures, by their names and contents"
_ASIDE = "aside: "  # how the reason begins, in the kept facts, of what is left aside and not refused
FORMATS = ("jpeg", "png", "gif", "bmp", "webp")
_CHUNK_FILES = 128
_WAITING = "index       another process is reading the same folders: waiting for it"
_NOT_KEPT = "index       warning: not kept, so the next run reads every file again"

# One row of facts a file. `reason` is empty for a picture; the header facts are zero for a refused file.
FACTS = np.dtype([
    ("bytes", np.int64), ("mtime_ns", np.int64), ("width", np.int32), ("height", np.int32), ("channels", np.uint8),
    ("bit_depth", np.uint8), ("orientation", np.uint8), ("format", np.uint8), ("sha256", np.uint8, 32),
])  # fmt: skip


def build_index(catalog: Catalog, cache_dir: Path, threads: int, watch: Watch = SILENT) -> Manifest:
    """Reads every file under the catalog's folders; raises no error for a bad file, but lists it.

    Of files that have not changed since the last time, only size and time are asked for. Where another process is
    reading them, it waits for what that one finds.
    """
    found = walk(catalog)
    store = cache_dir / "indexes" / f"{_store_name(catalog)}.npz"
    facts, reasons, missing = _recall(store, found)
    if len(missing):
        facts, reasons = _read_missing(catalog.root, store, found, threads, watch)
    kept = np.ones(len(found), bool)
    kept[list(reasons)] = False
    refused, aside = list(found.refused), list(found.aside)
    for row, reason in reasons.items():
        is_aside = reason.startswith(_ASIDE)
        (aside if is_aside else refused).append((found.paths[row], reason.removeprefix(_ASIDE)))
    return Manifest(
        source=Files(catalog.root, tuple(itertools.compress(found.paths, kept))),
        class_names=catalog.class_names,
        labels=found.labels[kept],
        given_splits=found.given_splits[kept],
        facts=facts[kept],
        quarantine=tuple(sorted(refused)),
        data_origin=catalog.data_origin,
        aside=tuple(sorted(aside)),
    )


def _read_missing(root: bytes, store: Path, found: Found, threads: int, watch: Watch) -> tuple[np.ndarray, dict]:
    """(facts, row -> reason of the refused); keeps them in `store` where that can be written."""
    with locks.keeper(store, _WAITING, _NOT_KEPT, watch) as keep:
        facts, reasons, missing = _recall(store, found)  # again: another process may have read them meanwhile
        if len(missing):
            chunks = np.array_split(missing, -(-len(missing) // _CHUNK_FILES))
            with concurrent.futures.ThreadPoolExecutor(threads) as pool:
                for rows, chunk, refused in pool.map(functools.partial(_inspect_chunk, root, found), chunks):
                    facts[rows] = chunk
                    reasons |= refused
                    watch.check()
            texts = "".join(f"{reason}\0" for reason in reasons.values()).encode()
            keep({"paths": np.frombuffer(_joined_paths(found), np.uint8), "facts": facts,
                  "refused": np.array(list(reasons), np.int64), "reasons": np.frombuffer(texts, np.uint8)})  # fmt: skip
    return facts, reasons


def _inspect_chunk(root: bytes, found: Found, rows: np.ndarray) -> tuple[np.ndarray, np.ndarray, dict[int, str]]:
    """(rows, their facts, row -> reason of the refused ones)."""
    facts, reasons = np.zeros(len(rows), FACTS), {}
    for place, row in enumerate(rows.tolist()):
        kill_points.reach("index.file")
        try:
            header, digest = _inspect(os.path.join(root, found.paths[row]))
        except _NeverAPicture as error:
            reasons[row] = _ASIDE + str(error)
        except BadImage as error:
            reasons[row] = str(error)
        else:
            facts[place] = _row(header, digest)
    facts["bytes"], facts["mtime_ns"] = found.bytes[rows], found.mtime_ns[rows]
    return rows, facts, reasons


def facts_of(content: bytes, digest: bytes) -> tuple:
    """A row of `FACTS`, without a time of change, of a picture's bytes and their SHA-256; raises BadImage where they
    are no picture."""
    return (len(content), *_row(read_header(content), np.frombuffer(digest, np.uint8))[1:])


def _row(header: Header, digest: np.ndarray) -> tuple:
    seen = (header.width, header.height, header.channels, header.bit_depth, header.orientation)
    return 0, 0, *seen, FORMATS.index(header.format), digest


class _NeverAPicture(Exception):  # noqa: N818 - it names what the file is, not a fault of the program
    """A file that is a picture neither by its name nor by its content."""


def _inspect(path: bytes) -> tuple[Header, np.ndarray]:
    """(header, SHA-256 uint8 [32]); raises BadImage for a picture that cannot be used, else _NeverAPicture."""
    content = b""
    try:
        content, _ = read_file(path)
        return read_header(content), np.frombuffer(hashlib.sha256(content).digest(), np.uint8)
    except (OSError, BadImage) as error:
        reason = f"{UNREADABLE}: {error.strerror}" if isinstance(error, OSError) else str(error)
        if is_picture_name(path) or begins_as_picture(content):
            raise BadImage(reason) from None
        raise _NeverAPicture(reason if isinstance(error, OSError) else NO_PICTURE) from None


def _store_name(catalog: Catalog) -> str:
    return hashlib.sha256(repr((INDEX_VERSION, catalog.root, catalog.folders)).encode()).hexdigest()[:32]


def _recall(store: Path, found: Found) -> tuple[np.ndarray, dict[int, str], np.ndarray]:
    """(facts, row -> reason of the refused, rows that must be read): what is remembered of unchanged files."""
    nothing = np.zeros(len(found), FACTS), {}, np.arange(len(found))
    try:
        saved = durable.read_arrays(store)
        old_facts, old_paths = saved["facts"], saved["paths"].tobytes()
        texts = saved["reasons"].tobytes().decode().split("\0")[:-1]
        old_reasons = dict(zip(saved["refused"].tolist(), texts, strict=True))
    except (OSError, ValueError, KeyError):
        return nothing
    if old_facts.dtype != FACTS or len(old_facts) != old_paths.count(b"\0"):
        return nothing
    old_rows = _old_rows(found, old_paths)
    facts = old_facts[old_rows] if len(old_facts) else nothing[0]
    known = (old_rows >= 0) & (facts["bytes"] == found.bytes) & (facts["mtime_ns"] == found.mtime_ns)
    refused = np.flatnonzero(known & np.isin(old_rows, list(old_reasons)))
    reasons = {int(row): old_reasons[int(old_rows[row])] for row in refused}
    # A file that could not be read may be readable now: a change of permissions leaves no trace in its facts.
    unread = [row for row, reason in reasons.items() if reason.removeprefix(_ASIDE).startswith(UNREADABLE)]
    known[unread] = False
    return facts, {row: reason for row, reason in reasons.items() if known[row]}, np.flatnonzero(~known)


def _old_rows(found: Found, old_paths: bytes) -> np.ndarray:
    """int64 [files]: which row each file had, -1 for a new one."""
    if old_paths == _joined_paths(found):  # a million files need no dictionary where none came or went
        return np.arange(len(found))
    rows = {path: row for row, path in enumerate(old_paths.split(b"\0")[:-1])}
    return np.fromiter(map(rows.get, found.paths, itertools.repeat(-1)), np.int64, len(found))


def _joined_paths(found: Found) -> bytes:
    return b"\0".join([*found.paths, b""])  # a path, then its end
