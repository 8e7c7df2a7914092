"""A split of a finished run, read back from its folder, which may be a stranger's: nothing in it is taken on trust."""

import csv
import json
import os
from collections.abc import Sequence
from pathlib import Path

from base.errors import UserError


def read_split(run_dir: Path, split: str, class_names: Sequence[str]) -> tuple[str, str, list[dict[str, str]]]:
    """(--dataset, --data_dir, the rows of split.csv in `split`), as options.json and split.csv say.

    Raises UserError where `run_dir` is not a run folder, has no example in that split, names a file that is not under
    a data folder or a label that is not in `class_names`.
    """
    try:
        options = json.loads((run_dir / "options.json").read_text())
        dataset, data_dir = (_name(options[key]) for key in ("dataset", "data_dir"))
        with open(run_dir / "split.csv", newline="", encoding="utf-8", errors="surrogateescape") as file:
            rows = [row for row in csv.DictReader(file) if row["split"] == split]
        paths = [_name(row["path"]) for row in rows]
        labels = [_name(row["label"]) for row in rows]
        for row in rows:
            _name(row["sha256"])
    except (OSError, ValueError, KeyError, TypeError, csv.Error) as error:
        raise UserError(f"{str(run_dir)!r} is not a run folder ({error}): give one, or --dataset=folder:PATH") from None
    if not rows:
        raise UserError(f"--split={split}: this run has no example in it (--full_train leaves no validation)")
    outside = next((path for path in paths if path.startswith("/") or ".." in path.split("/")), None)
    if outside is not None:
        raise UserError(f"{str(run_dir)!r}: split.csv names {outside!r:.80}, which is not under the data folder")
    unknown = next((label for label in labels if label not in class_names), None)
    if unknown is not None:
        known = ", ".join(class_names)
        raise UserError(f"{str(run_dir)!r}: split.csv has the label {unknown!r:.80}, the model knows {known}")
    return dataset, data_dir, rows


def _name(value: object) -> str:
    """`value`, if a file could be called so; else raises TypeError or ValueError."""
    if not isinstance(value, str):
        raise TypeError(f"{value!r:.40} where a name should be")
    os.fsencode(value)
    return value
