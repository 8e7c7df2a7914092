"""RunFolder: the only door to what a run leaves behind. It alone knows every file's name, header and format."""

import json
import os
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from base import durable
from base.errors import UserError
from base.options import Options, differences, not_identity
from base.places import is_saved_model
from base.splits import SPLIT_NAMES
from records.history import read_history, write_history
from records.predictions import PredictionRow, read_predictions, write_predictions
from records.tables import BAD_BATCH, QUARANTINE, SPLIT, BatchRow, RefusedRow, SplitRow

_OPTIONS, _FLAGS = "options.json", "flags.txt"
_HISTORY, _PREDICTIONS, _RESULTS, _REPORT = "history.csv", "predictions_test.csv", "results.json", "report.html"
_CHECKPOINTS, _SAVED_MODEL = "checkpoints", "saved_model"
# Every name that a run writes as a file, and as a folder.
FILES = (_OPTIONS, _FLAGS, SPLIT.name, QUARANTINE.name, BAD_BATCH.name, _HISTORY, _PREDICTIONS, _RESULTS, _REPORT)
FOLDERS = (*SPLIT_NAMES, _CHECKPOINTS, _SAVED_MODEL)
LOCK = ".lock"
# How the names begin of what a killed process leaves half-written.
TEMPORARIES = tuple(durable.temporary_prefix(Path(name)) for name in (*FILES, _SAVED_MODEL))


class RunFolder:
    """A run's folder. Reading it needs no lock and no permission; a run that writes holds it by `records.claim`.

    Reading raises OSError, and ValueError for a file that is damaged; writing raises OSError, and is whole or absent.
    """

    def __init__(self, path: Path):
        """Opens the folder; nothing is read or made."""
        self.path = path

    @property
    def has_begun(self) -> bool:
        """Whether a run is here: its options were written, and it can be continued."""
        return (self.path / _OPTIONS).exists()

    @property
    def flags_path(self) -> Path:
        """Where the flagfile is that starts the run again."""
        return self.path / _FLAGS

    @property
    def results_path(self) -> Path:
        """Where the results are."""
        return self.path / _RESULTS

    @property
    def report_path(self) -> Path:
        """Where the page is."""
        return self.path / _REPORT

    @property
    def checkpoints(self) -> Path:
        """The folder of checkpoints."""
        return self.path / _CHECKPOINTS

    @property
    def saved_model(self) -> Path:
        """The folder of the exported model."""
        return self.path / _SAVED_MODEL

    @property
    def evaluation(self) -> Path:
        """The folder for scores that are computed once the run is finished."""
        return self.path / "evaluation"

    def events(self, split: str) -> Path:
        """The folder of a split's TensorBoard events."""
        return self.path / split

    def write_options(self, options: Mapping[str, Any]) -> None:
        """Takes plain values, nested by room; from now on the folder is a run."""
        self._write(_OPTIONS, durable.write_json, options)

    def write_flags(self, text: str) -> None:
        """Takes the lines of a flagfile."""
        self._write(_FLAGS, durable.write_text, text)

    def write_split(self, rows: Sequence[SplitRow]) -> None:
        """Takes a row an example, by split, then in file order."""
        self._write(SPLIT.name, SPLIT.write, rows)

    def write_quarantine(self, rows: Sequence[RefusedRow]) -> None:
        """Takes a row a refused file."""
        self._write(QUARANTINE.name, QUARANTINE.write, rows)

    def write_bad_batch(self, rows: Sequence[BatchRow]) -> None:
        """Takes a row an example of the batch."""
        self._write(BAD_BATCH.name, BAD_BATCH.write, rows)

    def write_history(self, history: Sequence[Mapping[str, float | None]]) -> None:
        """Takes a mapping of `records.history.COLUMNS` an epoch."""
        self._write(_HISTORY, write_history, history)

    def write_predictions(self, class_names: Sequence[str], rows: Sequence[PredictionRow]) -> None:
        """Takes a row a test example."""
        self._write(_PREDICTIONS, write_predictions, class_names, rows)

    def write_results(self, results: Mapping[str, Any]) -> None:
        """Takes plain values."""
        self._write(_RESULTS, durable.write_json, results)

    def write_report(self, page: str) -> None:
        """Takes HTML; the report is the last file of a run."""
        self._write(_REPORT, durable.write_text, page)

    def read_options(self) -> dict[str, Any]:
        """What `write_options` wrote."""
        return self._read_json(_OPTIONS)

    def read_split(self) -> list[SplitRow]:
        """What `write_split` wrote."""
        return SPLIT.read(self.path / SPLIT.name)

    def read_quarantine(self) -> list[RefusedRow]:
        """What `write_quarantine` wrote; nothing where no file is there."""
        path = self.path / QUARANTINE.name
        return QUARANTINE.read(path) if path.exists() else []

    def read_history(self) -> list[dict[str, float | None]]:
        """What `write_history` wrote, all of it as float."""
        return read_history(self.path / _HISTORY)

    def read_predictions(self) -> list[PredictionRow]:
        """What `write_predictions` wrote; nothing where no file is there."""
        path = self.path / _PREDICTIONS
        return read_predictions(path) if path.exists() else []

    def read_results(self) -> dict[str, Any]:
        """What `write_results` wrote."""
        return self._read_json(_RESULTS)

    def results_if_finished(self) -> dict[str, Any] | None:
        """What results.json holds, where the run that is here is whole to its last file; None for an unfinished one."""
        try:
            results = self.read_results()
        except (OSError, ValueError):
            return None  # absent or damaged: the end of the run is done again, from its last checkpoint
        return results if self.report_path.exists() and is_saved_model(self.saved_model) else None

    def adopt(self, options: Options) -> dict[str, Any]:
        """The options.json that is here, or nothing; raises UserError where its run is not the one of `options`.

        What a killed process left half-written of the run is deleted then.
        """
        old = self._checked_options(options) if self.has_begun else {}
        for prefix in TEMPORARIES:
            durable.remove_leftovers(self.path, prefix)
        durable.remove_leftovers(self.checkpoints)
        return old

    def examples_of(self, split: str, class_names: Sequence[str]) -> tuple[str, str, list[SplitRow]]:
        """(--dataset, --data_dir, the rows of a split), of a folder that may be a stranger's: nothing is trusted.

        Raises UserError where this is not a run folder, has no example in that split, names a file that is not under
        a data folder or a label that is not in `class_names`.
        """
        shown = repr(str(self.path))
        try:
            data = self.read_options()["data"]
            dataset, data_dir = _file_name(data["dataset"]), _file_name(data["data_dir"])
            rows = [row for row in self.read_split() if row.split == split]
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise UserError(f"{shown} is not a run folder ({error}): give one, or --dataset=folder:PATH") from None
        if not rows:
            raise UserError(f"--split={split}: this run has no example in it (--full_train leaves no validation)")
        outside = next((row.path for row in rows if row.path.startswith("/") or ".." in row.path.split("/")), None)
        if outside is not None:
            raise UserError(f"{shown}: split.csv names {outside!r:.80}, which is not under the data folder")
        unknown = next((row.label for row in rows if row.label not in class_names), None)
        if unknown is not None:
            known = ", ".join(class_names)
            raise UserError(f"{shown}: split.csv has the label {unknown!r:.80}, the model knows {known}")
        return dataset, data_dir, rows

    def _write(self, name: str, write: Callable[..., None], *content: Any) -> None:
        """All that a run writes goes through here, but events, checkpoints and the exported model."""
        write(self.path / name, *content)

    def _read_json(self, name: str) -> dict[str, Any]:
        value = json.loads((self.path / name).read_text("utf-8"))
        if not isinstance(value, dict):
            raise ValueError(f"it holds a {type(value).__name__}")
        return value

    def _checked_options(self, options: Options) -> dict[str, Any]:
        shown = repr(str(self.path / _OPTIONS))
        try:
            old = self.read_options()
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
        changed = differences(old, new, except_for=not_identity(type(options)))
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
