"""What a run is, in words: its options with what was chosen, and what its results say besides scores."""

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from base.splits import SPLIT_NAMES
from reports.numbers import NOTHING, duration, number, percent

_NOT_FACTS = {"dataset", "model", "data_origin", "class_names", "best_epoch", "seed", "finished_at", "chosen",
              "global_batch_size", "epochs_asked", "notes", "decision", *SPLIT_NAMES}  # fmt: skip


class OptionRow(NamedTuple):
    """An option of a run: its room, its flag, what was asked for, and what was taken, None where that says nothing."""

    room: str
    flag: str
    asked: Any
    chosen: Any


def facts_of(results: Mapping) -> list[tuple[str, str]]:
    """What results.json says of the run besides its scores, in words; unknown keys come last, as they are."""
    worded = {
        "epochs": ("epochs", lambda value: f"{value}, best: {results.get('best_epoch') or NOTHING}"),
        "steps": ("steps", number),
        "seconds": ("duration", duration),
        "starts": ("starts", number),
        "images_per_second": ("images per second", lambda value: f"{value:,.0f}"),
        "input_wait_fraction": ("input wait", lambda value: f"{percent(value)} of the training time"),
        "parameters": ("parameters", number),
        "precision": ("precision", str),
        "strategy": ("strategy", str),
        "device": ("device", str),
        "quarantined": ("quarantined files", number),
        "left_aside": ("files not used", number),
        "export_largest_difference": ("export differs from evaluation by", lambda value: f"{number(value)} at most"),
        "export_files_changed": ("files changed before the export", number),
        "versions": ("versions", lambda value: ", ".join(f"{name} {value[name]}" for name in value)),
        "input_bottleneck": ("input", str),
        "manifest_sha256": ("pictures SHA-256", str),
        "weights_sha256": ("weights SHA-256", str),
    }  # fmt: skip
    known = [(label, word(results[key])) for key, (label, word) in worded.items() if results.get(key) is not None]
    others = {key: value for key, value in results.items() if key not in worded.keys() | _NOT_FACTS}
    facts = known + [(name.replace("_", " "), text) for name, text in _flattened(others)]
    return sorted(facts, key=lambda fact: len(fact[1]) > 48)  # the long ones fill a row each, below the grid


def option_text(row: OptionRow) -> str:
    """What was asked for, and what was taken where that is something else; a dash for nothing."""
    asked = row.asked if isinstance(row.asked, list | tuple) else [row.asked]
    # As it is typed: a seed of 1,234 is none.
    said = ",".join(str(part) if type(part) is int else _text(part) for part in asked if part is not None)
    if row.chosen is None or str(row.chosen) == said:
        return said or NOTHING
    return f"{row.chosen} (chosen)" if said in ("", "0") else f"{said}: {row.chosen}"


def _flattened(values: Mapping, prefix: str = "") -> Iterator[tuple[str, str]]:
    for name, value in values.items():
        if isinstance(value, dict):
            yield from _flattened(value, f"{prefix}{name}.")
        elif isinstance(value, list | tuple):
            yield prefix + name, ", ".join(map(_text, value)) or NOTHING
        else:
            yield prefix + name, _text(value)


def _text(value: object) -> str:
    return number(value) if value is None or isinstance(value, int | float) else str(value)
