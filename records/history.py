"""history.csv: a row an epoch."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from base import durable
from records.tables import Format, read_lines

# What no two runs have in common.
TIMED_COLUMNS = ("images_per_second", "input_wait_fraction", "seconds", "step_seconds", "read_seconds",
                 "decode_seconds", "augment_seconds", "transfer_seconds")  # fmt: skip
COLUMNS = ("epoch", "step", "loss", "accuracy", "validation_loss", "validation_accuracy", "learning_rate",
           *TIMED_COLUMNS)  # fmt: skip


def _write(path: Path, history: Sequence[Mapping]) -> None:
    durable.write_csv(path, [COLUMNS, *[[row[name] for name in COLUMNS] for row in history]])


def _read(path: Path) -> list[dict[str, int | float | None]]:
    header, rows = read_lines(path)
    return [{name: _number(name, text) for name, text in zip(header, row, strict=True)} for row in rows]


def _number(name: str, text: str) -> int | float | None:
    return (int(text) if name in ("epoch", "step") else float(text)) if text else None


# Of a mapping of `COLUMNS` an epoch, which comes back bit for bit; None, where a split is missing, is an empty field.
HISTORY = Format(_write, _read)
