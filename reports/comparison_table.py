"""A comparison of runs on a terminal, and as a table of one row a run."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from reports.comparison_page import megabytes, milliseconds, training_time
from reports.numbers import number

TABLE_BEGINNING = b"run,path,examples,accuracy,accuracy_low,"
_COLUMNS = ("run", "path", "examples", "accuracy", "accuracy_low", "accuracy_high", "balanced_accuracy", "loss",
            "calibration_error", "brier_score", "saved_model_bytes", "parameters", "training_seconds", "device",
            "milliseconds_a_picture_1", "milliseconds_a_picture_32")  # fmt: skip
_HEADINGS = ("run", "accuracy", "balanced", "log loss", "calibration", "Brier", "SavedModel", "parameters", "training",
             "ms a picture (1, 32)")  # fmt: skip


def table_rows(comparison: Mapping[str, Any]) -> Iterator[Sequence]:
    """The lines of comparison.csv; what is not known is empty."""
    yield _COLUMNS
    for run in comparison["runs"]:
        times = run["milliseconds_a_picture"] or {"1": None, "32": None}
        known = run | dict(zip(("accuracy_low", "accuracy_high"), run["accuracy_interval"], strict=True))
        known |= {"run": run["name"]} | {f"milliseconds_a_picture_{batch}": value for batch, value in times.items()}
        yield ["" if known[name] is None else known[name] for name in _COLUMNS]


def lines_of(comparison: Mapping[str, Any]) -> list[str]:
    """What a terminal shows: a table of the runs, the pairs, the options that differ, and the conclusion."""
    lines = [f"{comparison['compared']}: {number(comparison['examples'])} examples, the same for all runs"]
    lines += [f"  {line}" for line in _aligned([_HEADINGS, *map(_cells, comparison["runs"])])]
    for pair in comparison["pairs"]:
        lines.append(f"{pair['first']} and {pair['second']}: {pair['verdict']}")
        first, second = (number(pair[f"only_{which}"]) for which in ("first", "second"))
        lines.append(f"  only the first right {first}, only the second {second}; first less second: accuracy "
                     f"{_signed(pair, 'accuracy')}, log loss {_signed(pair, 'loss')}")  # fmt: skip
    options = [(row["option"], *row["values"]) for row in comparison["differing_options"]]
    lines.append("options that differ:" if options else "options that differ: none")
    lines += [f"  {line}" for line in _aligned(options)]
    lines += [f"note: {note}" for note in comparison["notes"]]
    if len(comparison["pairs"]) > 1:
        lines.append(comparison["conclusion"])
    return lines


def _cells(run: Mapping) -> list[str]:
    low, high = run["accuracy_interval"]
    times = ", ".join(milliseconds(run["milliseconds_a_picture"], batch) for batch in ("1", "32"))
    return [run["name"], f"{run['accuracy']:.4f} ({low:.4f} to {high:.4f})", f"{run['balanced_accuracy']:.4f}",
            f"{run['loss']:.4f}", f"{run['calibration_error']:.4f}", f"{run['brier_score']:.4f}",
            megabytes(run["saved_model_bytes"]), number(run["parameters"]), training_time(run), times]  # fmt: skip


def _signed(pair: Mapping, figure: str) -> str:
    low, high = pair[f"{figure}_interval"]
    return f"{pair[f'{figure}_difference']:+.4f} ({low:+.4f} to {high:+.4f})"


def _aligned(rows: Sequence[Sequence[str]]) -> list[str]:
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return ["  ".join(f"{cell:<{width}}" for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows]
