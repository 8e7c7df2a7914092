"""The examples of a data set, and whether their files are still those that were indexed."""

import dataclasses
import functools
import hashlib
import os
from collections.abc import Iterable

import numpy as np

from base.errors import BadImage, UserError
from base.files import MAX_INT64, read_file

INDEX_VERSION = 2


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

    def read(self, example_id: int) -> bytes:
        """The file's content; raises UserError where it is not the file that was indexed any more."""
        try:
            content, status = read_file(self.full_path(example_id))
        except (OSError, BadImage) as error:
            raise self._changed(example_id, error) from None
        self._check(example_id, status)
        return content

    def check_unchanged(self, example_ids: Iterable[int]) -> None:
        """Raises UserError for the first file that has not the size and time of change that it was indexed with."""
        for example_id in example_ids:
            try:
                status = os.stat(self.full_path(example_id))
            except OSError as error:
                raise self._changed(example_id, error) from None
            self._check(example_id, status)

    def has_changed(self, example_id: int) -> bool:
        """Whether `check_unchanged` would raise."""
        try:
            self.check_unchanged([example_id])
        except UserError:
            return True
        return False

    def _check(self, example_id: int, status: os.stat_result) -> None:
        if self.facts["bytes"][example_id] != status.st_size:
            raise self._changed(example_id, f"{status.st_size} bytes, not {self.facts['bytes'][example_id]}")
        if self.facts["mtime_ns"][example_id] != status.st_mtime_ns & MAX_INT64:
            raise self._changed(example_id, "its time of change is another")

    def _changed(self, example_id: int, why: object) -> UserError:
        why = why.strerror if isinstance(why, OSError) else why
        return UserError(
            f"{self.shown_path(example_id)!r} has changed since this program indexed it ({why}): pictures must stay as "
            "they are while a program reads them; put it back, or start again"
        )
