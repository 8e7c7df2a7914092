"""RunFolder: the only door to what a run leaves behind. It alone knows every file's name, header and format."""

import contextlib
import dataclasses
import json
import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from base import durable
from base.errors import UserError
from base.options import Options, differences, identity_part
from base.places import is_saved_model
from base.splits import SPLIT_NAMES
from records.history import HISTORY
from records.tables import (
    BAD_BATCH,
    LABEL_ISSUES,
    PREDICTIONS,
    QUARANTINE,
    RATES,
    SLICES,
    SPLIT,
    Format,
    SplitRow,
)


def _read_mapping(path: Path) -> dict[str, Any]:
    value = json.loads(path.read_text("utf-8"))
    if not isinstance(value, dict):
        raise ValueError(f"it holds a {type(value).__name__}")
    return value


JSON = Format(durable.write_json, _read_mapping)
_BYTES = Format(durable.write_bytes, Path.read_bytes)
TEXT = Format(durable.write_text, lambda path: path.read_text("utf-8", "surrogateescape"))


@dataclasses.dataclass(frozen=True)
class RunFile:
    """A file of a run. Whose `may_lack` is true is read as no rows where it is not there."""

    path: Path
    format: Format
    may_lack: bool = False

    def write(self, *content: Any) -> None:
        """Replaces the file, whole or not at all; raises OSError.

        All that a run writes goes through here, but events, checkpoints and the exported model.
        """
        self.format.write(self.path, *content)

    def read(self) -> Any:
        """What `write` was given; raises OSError, and ValueError for a file that is damaged."""
        return [] if self.may_lack and not self.path.exists() else self.format.read(self.path)


class RunFolder:
    """A run's folder. Reading it needs no lock and no permission; a run that writes holds it by `records.claim`."""

    def __init__(self, path: Path):
        """Opens the folder; nothing is read or made."""
        self.path = path
        self.made: tuple[Path, ...] = ()  # by a claim, where no run is yet: the lock, then folders, the inmost first
        self.keep: Callable[[], None] = lambda: None  # called once a run is here, and that stays however it ends
        self.options = RunFile(path / "options.json", JSON)  # plain values, nested by room; makes the folder a run
        self.flags = RunFile(path / "flags.txt", TEXT)  # a flagfile that starts the run again
        self.network = RunFile(path / "network.py", _BYTES)  # what --model=FILE.py:FUNCTION was built from
        self.split = RunFile(path / "split.csv", SPLIT)  # a row an example, by split, then in file order
        self.quarantine = RunFile(path / "quarantine.csv", QUARANTINE, may_lack=True)  # a row a refused file
        self.aside = RunFile(path / "left_aside.csv", QUARANTINE, may_lack=True)  # a row what else is not used
        self.bad_batch = RunFile(path / "bad_batch.csv", BAD_BATCH)  # a row an example of the batch
        self.rates = RunFile(path / "learning_rate_range.csv", RATES)  # a row a learning rate of a range test
        self.rates_curve = RunFile(path / "learning_rate_range.png", _BYTES)  # the same, drawn
        self.history = RunFile(path / "history.csv", HISTORY)  # a row an epoch
        # The class names, then a row a test example.
        self.predictions = RunFile(path / "predictions_test.csv", PREDICTIONS, may_lack=True)
        # A row an example whose label may be wrong, of those that were not trained on.
        self.suspicious_labels = RunFile(path / "suspicious_labels.csv", LABEL_ISSUES, may_lack=True)
        self.slices = RunFile(path / "slices.csv", SLICES, may_lack=True)  # a row a slice of the test examples
        self.results = RunFile(path / "results.json", JSON)  # plain values
        self.model_card = RunFile(path / "model_card.md", TEXT)
        self.report = RunFile(path / "report.html", TEXT)  # the last file of a run
        self.best_events = path / "best"  # TensorBoard's of the options and the best epoch, whole or absent
        self.checkpoints = path / "checkpoints"
        self.saved_model = path / "saved_model"
        self.evaluation = path / "evaluation"  # scores that are computed once the run is finished

    @property
    def has_begun(self) -> bool:
        """Whether a run is here: its options were written, and it can be continued."""
        return self.options.path.exists()

    def events(self, split: str) -> Path:
        """The folder of a split's TensorBoard events."""
        return self.path / split

    def results_if_finished(self) -> dict[str, Any] | None:
        """What results.json holds, where the run that is here is whole to its last file; None for an unfinished one."""
        try:
            results = self.results.read()
        except (OSError, ValueError):
            return None  # absent or damaged: the end of the run is done again, from its last checkpoint
        return results if self.report.path.exists() and is_saved_model(self.saved_model) else None

    def adopt(self, options: Options) -> dict[str, Any]:
        """The options.json that is here, or nothing; raises UserError where its run is not the one of `options`.

        What a killed process left half-written of the run is deleted then.
        """
        old = self.checked_options(options) if self.has_begun else {}
        for prefix in TEMPORARIES:
            durable.remove_leftovers(self.path, prefix)
        durable.remove_leftovers(self.checkpoints)
        durable.remove_leftovers(self.best_events)
        return old

    def examples_of(self, split: str, class_names: Sequence[str]) -> tuple[str, str, list[SplitRow]]:
        """(--dataset, --data_dir, the rows of a split), of a folder that may be a stranger's: nothing is trusted.

        Raises UserError where this is not a run folder, has no example in that split, names a file that is not under
        a data folder or a label that is not in `class_names`.
        """
        shown = repr(str(self.path))
        try:
            data = self.options.read()["data"]
            dataset, data_dir = _file_name(data["dataset"]), _file_name(data["data_dir"])
            rows = [row for row in self.split.read() if row.split == split]
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise UserError(f"{shown} is not a run folder ({error}): give one, or --dataset=folder:PATH") from None
        if not rows:
            raise UserError(f"--split={split}: this run has no example in it (--full_train leaves no validation)")
        for row in rows:
            if row.path.startswith("/") or ".." in row.path.split("/"):
                raise UserError(f"{shown}: split.csv names {row.path!r:.80}, which is not under the data folder")
            if row.label not in class_names:
                known = ", ".join(class_names[:8]) + (", ..." if len(class_names) > 8 else "")
                raise UserError(f"{shown}: split.csv has the label {row.label!r:.80}, the model knows {known}")
        return dataset, data_dir, rows

    def contents_by_split(self) -> dict[str, set[str]]:
        """The SHA-256 of the files of each split; nothing where this folder holds no run's split."""
        contents = {}
        with contextlib.suppress(OSError, ValueError):
            for row in self.split.read():
                contents.setdefault(row.split, set()).add(row.sha256)
        return contents

    def checked_options(self, options: Options) -> dict[str, Any]:
        """The options.json of the run that has begun here; as `adopt`, but changes nothing."""
        shown = repr(str(self.options.path))
        try:
            old = self.options.read()
            if type(old.get("threads", 0)) is not int:  # the one value that is taken over and not compared
                raise ValueError(f"threads is {old['threads']!r:.40}")
        except (OSError, ValueError) as error:
            raise UserError(
                f"{shown} cannot be read ({error}): put it back (flags.txt beside it says the same) "
                "or give another --run_dir"
            ) from None
        new = options.to_json()
        lost = next((name for name, value in new.items() if isinstance(value, dict) and name not in old), None)
        if lost:
            raise UserError(
                f"{shown} was written by an earlier version (it has no {lost!r}), whose runs cannot "
                "be continued: give another --run_dir"
            )
        if not options.threads:
            # A resumed run keeps the thread count that its bits depend on, unless the user asks for another.
            new["threads"] = old.get("threads")
        changed = differences(identity_part(type(options), old), identity_part(type(options), new))
        if changed:
            raise UserError(
                f"--run_dir={self.path} holds a run with other options ({'; '.join(changed)}): give the same options "
                "to continue it, or another --run_dir"
            )
        return old


def _file_name(value: object) -> str:
    """`value`, if a file could be called so; else raises TypeError or ValueError."""
    if not isinstance(value, str):
        raise TypeError(f"{value!r:.40} where a name should be")
    os.fsencode(value)
    return value


_ANY = RunFolder(Path())
# Every name that a run writes as a file, and as a folder.
FILES = tuple(one.path.name for one in vars(_ANY).values() if isinstance(one, RunFile))
# Those of a range test, which is made before there is a run.
BEFORE_A_RUN = (_ANY.rates.path.name, _ANY.rates_curve.path.name)
FOLDERS = (*SPLIT_NAMES, _ANY.best_events.name, _ANY.checkpoints.name, _ANY.saved_model.name)
LOCK = ".lock"
# How the names begin of what a killed process leaves half-written.
TEMPORARIES = tuple(durable.temporary_prefix(Path(name)) for name in (*FILES, _ANY.saved_model.name))
