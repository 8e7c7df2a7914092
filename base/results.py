"""Where a script's results go: nothing of the user's is replaced, and what is in the way is found before the work."""

import contextlib
import dataclasses
import errno
import os
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from base import durable
from base.errors import UserError
from base.places import is_saved_model, naming

_DRAWN = 8  # letters that tempfile draws for the end of a name


@dataclasses.dataclass(frozen=True)
class ResultFolder:
    """A folder for files of known names.

    Attributes:
      flag: the one that names the folder, as "--out_dir".
      path: the folder.
      tables: name of each text file -> how ours begin.
      pictures: names. Nothing in a picture tells whose it is: one is ours where all our tables are beside it, which
        are written first.
    """

    flag: str
    path: Path
    tables: Mapping[str, bytes]
    pictures: Sequence[str]

    def check(self) -> None:
        """Raises UserError where nothing can be written there, or a file would be replaced that is none of ours."""
        with naming(self.flag, self.path):
            _check_writable(self.path / "results")
            strange = [name for name, beginning in self.tables.items() if not _begins(self.path / name, beginning)]
            if not all((self.path / name).exists() for name in self.tables):
                strange += [name for name in self.pictures if os.path.lexists(self.path / name)]
        if strange:
            raise UserError(
                f"{self.flag}={self.path} holds {strange[0]!r}, which this script did not write: give an empty or a "
                "new folder"
            )

    @contextlib.contextmanager
    def open(self) -> Iterator[Path]:
        """The folder, made, for a block that writes to it; without what killed calls left there.

        Raises UserError, which names the flag, for an OSError of the block.
        """
        with naming(self.flag, self.path):
            self.path.mkdir(parents=True, exist_ok=True)
            for name in (*self.tables, *self.pictures):
                _sweep(self.path / name)
            yield self.path


@dataclasses.dataclass(frozen=True)
class ResultFile:
    """A single file.

    Attributes:
      flag: the one that names the file, as "--csv".
      path: the file, or a link to it.
      beginning: how ours begin.
      what: what it is, as "table of predictions".
    """

    flag: str
    path: Path
    beginning: bytes
    what: str

    @property
    def place(self) -> Path:
        """The file itself: what `path` is a link to."""
        return Path(os.path.realpath(self.path))

    def check(self) -> None:
        """Raises UserError where it cannot be written, or would replace a file that is none of ours."""
        with naming(self.flag, self.path, "file"):
            _check_writable(self.path)
            _check_writable(self.place)
            is_ours = _begins(self.place, self.beginning)
        if not is_ours:
            raise UserError(f"{self.flag}={self.path} is there and is no {self.what}: give another file")

    @contextlib.contextmanager
    def open(self) -> Iterator[Path]:
        """`place`, for a block that writes it; as `ResultFolder.open`."""
        with naming(self.flag, self.path, "file"):
            _sweep(self.place)
            yield self.place


def _check_writable(path: Path) -> None:
    """Raises OSError where a file cannot or must not be written to `path`; leaves nothing.

    It must not where something else than a file is, nor into a SavedModel, which is loaded only as it was exported.
    """
    if path.is_dir():
        raise OSError(errno.EISDIR, os.strerror(errno.EISDIR))
    if path.exists() and not path.is_file():
        # What is written takes its name by a rename: /dev/null would be an ordinary file from then on.
        raise OSError(errno.EINVAL, "it is a device or a pipe, and no regular file")
    if any(map(is_saved_model, path.absolute().parents)):
        raise OSError(errno.EINVAL, "it lies in a SavedModel, which must stay as it was exported")
    place = next(parent for parent in path.absolute().parents if parent.exists())
    with tempfile.TemporaryFile(prefix=durable.TEMPORARY_PREFIX, dir=place):
        pass


def _begins(path: Path, beginning: bytes) -> bool:
    """Whether nothing would be lost at `path` but a file that begins so."""
    if not os.path.lexists(path):
        return True
    if not path.is_file():
        return False
    with open(path, "rb") as file:
        return file.read(len(beginning)) in (beginning, b"")


def _sweep(path: Path) -> None:
    """Deletes the temporary files that a killed process left of the file `path`, and nothing else."""
    with contextlib.suppress(FileNotFoundError):
        for name in os.listdir(path.parent):
            if name[:-_DRAWN] == durable.temporary_prefix(path) and (path.parent / name).is_file():
                (path.parent / name).unlink()
