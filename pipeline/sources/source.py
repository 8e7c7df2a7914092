"""A source: where the encoded bytes of examples come from, by example id. Files on disk are one."""

import os
from collections.abc import Sequence
from typing import NamedTuple, Protocol

from base.files import MAX_INT64, read_file


class Stamp(NamedTuple):
    """What tells, without reading it, whether an example's record has changed: its bytes and its time of change."""

    bytes: int
    mtime_ns: int


class Source(Protocol):
    """The records of examples; a row's number is its example's id."""

    names: Sequence[bytes]

    def stamp(self, example_id: int) -> Stamp:
        """The record's stamp as it is now; raises OSError where it is not there any more."""
        ...

    def read(self, example_id: int) -> tuple[bytes, Stamp]:
        """(a record's bytes, its stamp once they are read); raises OSError or BadImage where they cannot be had."""
        ...


class Files:
    """A Source of files under one folder."""

    def __init__(self, root: bytes, names: Sequence[bytes]):
        """Args: `root` the absolute folder; `names` the paths relative to it, as bytes: they need not be UTF-8."""
        self.root = root
        self.names = names

    def path(self, example_id: int) -> bytes:
        """The path to open."""
        return os.path.join(self.root, self.names[example_id])

    def stamp(self, example_id: int) -> Stamp:
        """See `Source`."""
        return _stamp_of(os.stat(self.path(example_id)))

    def read(self, example_id: int) -> tuple[bytes, Stamp]:
        """See `Source`."""
        content, status = read_file(self.path(example_id))
        return content, _stamp_of(status)


def _stamp_of(status: os.stat_result) -> Stamp:
    return Stamp(status.st_size, status.st_mtime_ns & MAX_INT64)
