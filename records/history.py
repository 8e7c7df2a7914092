"""history.csv: a row an epoch."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from base import durable
from records.tables import read_lines

# What no two runs have in common.
TIMED_COLUMNS = ("images_per_second", "input_wait_fraction", "seconds", "step_seconds", "read_seconds",
                 "decode_seconds", "augment_seconds", "transfer_seconds")  # fmt: skip
COLUMNS = ("epoch", "step", "loss", "accuracy", "validation_loss", "validation_accuracy", "learning_rate",
           *TIMED_COLUMNS)  # fmt: skip
_COUNTED = ("epoch", "step")


def write_history(path: Path, history: Sequence[Mapping]) -> None:
    """Writes a mapping of `COLUMNS` an epoch; None, where a split is missing, is an empty field. Raises OSError."""
    durable.write_csv(path, [COLUMNS, *[[row[name] for name in COLUMNS] for row in history]])


def read_history(path: Path) -> list[dict[str, int | float | None]]:
    """What `write_history` wrote, bit for bit; raises OSError, and ValueError for a file that is no such table."""
    header, rows = read_lines(path)
    return [{name: _number(name, text) for name, text in zip(header, row, strict=True)} for row in rows]


def _number(name: str, text: str) -> int | float | None:
    return (int(text) if name in _COUNTED else float(text)) if text else None
