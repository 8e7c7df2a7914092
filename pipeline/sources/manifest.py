"""The examples of a data set, and whether their files are still those that were indexed."""

import dataclasses
import functools
import hashlib
import os
from collections.abc import Iterable, Sequence

import numpy as np

from base.errors import BadImage, UserError
from pipeline.sources.source import Source, Stamp

INDEX_VERSION = 3


@dataclasses.dataclass(frozen=True)
class Manifest:
    """The examples of a data set, in columns; row i is the example whose id is i.

    Attributes:
      source: of their encoded bytes, by example id.
      class_names: by label.
      labels: int32 [examples].
      given_splits: int8 [examples], an index into SPLIT_NAMES, or -1 where the folders name no split.
      facts: structured [examples]: bytes, mtime_ns, header facts, sha256.
      quarantine: (path, reason) of every file that was refused.
      data_origin: "real" or "synthetic".
      aside: (path, reason) of every file that is none of the pictures, and so neither used nor refused.
    """

    source: Source
    class_names: tuple[str, ...]
    labels: np.ndarray
    given_splits: np.ndarray
    facts: np.ndarray
    quarantine: tuple[tuple[bytes, str], ...]
    data_origin: str
    aside: tuple[tuple[bytes, str], ...] = ()

    def __len__(self) -> int:
        return len(self.paths)

    @property
    def paths(self) -> Sequence[bytes]:
        """The examples' names in their source, for files relative to the data folder."""
        return self.source.names

    @functools.cached_property
    def sha256(self) -> str:
        """Names everything derived from these examples: paths, labels, splits, contents; not times or places."""
        digest = hashlib.sha256(repr((INDEX_VERSION, self.class_names)).encode())
        digest.update(b"\0".join(self.paths))
        for column in (self.labels, self.given_splits, self.facts["sha256"]):
            digest.update(np.ascontiguousarray(column).tobytes())
        return digest.hexdigest()

    def shown_path(self, example_id: int) -> str:
        """The relative path as text; bytes that are not UTF-8 become surrogate escapes."""
        return os.fsdecode(self.paths[example_id])

    def read(self, example_id: int) -> bytes:
        """The encoded bytes; raises UserError where they are not those that were indexed any more."""
        try:
            content, stamp = self.source.read(example_id)
        except (OSError, BadImage) as error:
            raise self._changed(example_id, error) from None
        self._check(example_id, stamp)
        return content

    def check_unchanged(self, example_ids: Iterable[int]) -> None:
        """Raises UserError for the first file that has not the size and time of change that it was indexed with."""
        for example_id in example_ids:
            try:
                self._check(example_id, self.source.stamp(example_id))
            except OSError as error:
                raise self._changed(example_id, error) from None

    def check_contents(self, example_ids: Iterable[int]) -> None:
        """Raises UserError for the first record whose bytes are not those that were indexed; reads all of them."""
        for example_id in example_ids:
            if hashlib.sha256(self.read(example_id)).digest() != self.facts["sha256"][example_id].tobytes():
                raise self._changed(example_id, "its contents are others, at the same size and time of change")

    def has_changed(self, example_id: int) -> bool:
        """Whether `check_unchanged` would raise."""
        try:
            self.check_unchanged([example_id])
        except UserError:
            return True
        return False

    def _check(self, example_id: int, stamp: Stamp) -> None:
        if self.facts["bytes"][example_id] != stamp.bytes:
            raise self._changed(example_id, f"{stamp.bytes} bytes, not {self.facts['bytes'][example_id]}")
        if self.facts["mtime_ns"][example_id] != stamp.mtime_ns:
            raise self._changed(example_id, "its time of change is another")

    def _changed(self, example_id: int, why: object) -> UserError:
        why = why.strerror if isinstance(why, OSError) else why
        return UserError(
            f"{self.shown_path(example_id)!r} has changed since this program indexed it ({why}): pictures must stay as "
            "they are while a program reads them; put it back, or start again"
        )
