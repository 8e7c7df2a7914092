"""history.csv: a row an epoch."""

import csv
from collections.abc import Mapping, Sequence
from pathlib import Path

from base import durable

# What no two runs have in common.
TIMED_COLUMNS = ("images_per_second", "input_wait_fraction", "seconds", "step_seconds", "read_seconds",
                 "decode_seconds", "augment_seconds", "transfer_seconds")  # fmt: skip
COLUMNS = ("epoch", "step", "loss", "accuracy", "validation_loss", "validation_accuracy", "learning_rate",
           *TIMED_COLUMNS)  # fmt: skip
_COUNTED = ("epoch", "step")


def write_history(path: Path, history: Sequence[Mapping]) -> None:
    """Writes the rows, each with all of COLUMNS; None, where a split is missing, becomes an empty field."""
    durable.write_csv(path, [COLUMNS, *[[row[name] for name in COLUMNS] for row in history]])


def read_history(path: Path) -> list[dict[str, int | float | None]]:
    """The rows as they were given to `write_history`, bit for bit; raises OSError, or ValueError for another file."""
    with open(path, newline="", encoding="utf-8") as file:
        rows = csv.DictReader(file)
        return [{name: _number(name, text) for name, text in row.items()} for row in rows]


def _number(name: str, text: str) -> int | float | None:
    return (int(text) if name in _COUNTED else float(text)) if text else None
