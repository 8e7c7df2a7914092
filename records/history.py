"""history.csv: a row an epoch."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from base import durable
from records.tables import Format, read_lines

# What no two runs have in common.
TIMED_COLUMNS = ("images_per_second", "input_wait_fraction", "seconds", "step_seconds", "read_seconds",
                 "decode_seconds", "augment_seconds", "transfer_seconds")  # fmt: skip
# Phase: "head" where a backbone's features alone were trained on, "all" elsewhere.
COLUMNS = ("epoch", "step", "phase", "loss", "accuracy", "validation_loss", "validation_accuracy", "learning_rate",
           *TIMED_COLUMNS)  # fmt: skip


def _write(path: Path, history: Sequence[Mapping]) -> None:
    durable.write_csv(path, [COLUMNS, *[[row[name] for name in COLUMNS] for row in history]])


def _read(path: Path) -> list[dict[str, int | float | str | None]]:
    header, rows = read_lines(path)
    return [{name: _value(name, text) for name, text in zip(header, row, strict=True)} for row in rows]


def _value(name: str, text: str) -> int | float | str | None:
    kind = {"epoch": int, "step": int, "phase": str}.get(name, float)
    return kind(text) if text else None


# Of a mapping of `COLUMNS` an epoch, which comes back bit for bit; None, where a split is missing, is an empty field.
HISTORY = Format(_write, _read)
