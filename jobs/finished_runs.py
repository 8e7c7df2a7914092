"""Finished runs as compare.py reads them, without TensorFlow; a folder may be a stranger's, so nothing is trusted."""

import dataclasses
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from base.errors import UserError, one_line
from jobs.report import option_rows
from records.run_folder import RunFolder
from reports.facts import option_text

_ABSURD = 1e13  # parameters or seconds


@dataclasses.dataclass(frozen=True, eq=False)
class FinishedRun:
    """A run that is whole.

    Attributes:
      path: its folder, as it was given.
      name: the end of its path, as much of it as tells it from the others; text of one line.
      results: what results.json holds.
      class_names: in the model's order.
      options: by flag, in words: what was asked for and what was chosen.
    """

    path: Path
    name: str
    results: Mapping[str, Any]
    class_names: Sequence[str]
    options: Mapping[str, str]

    @property
    def folder(self) -> RunFolder:
        """The door to its files."""
        return RunFolder(self.path)

    @property
    def saved_model_bytes(self) -> int:
        """Of all its files."""
        return sum(path.stat().st_size for path in self.folder.saved_model.rglob("*") if path.is_file())

    def number(self, name: str) -> int | float | None:
        """A number of results.json; None where there is none of that name."""
        value = self.results.get(name)
        return value if type(value) in (int, float) and 0 <= value < _ABSURD else None


def open_runs(paths: Sequence[Path]) -> list[FinishedRun]:
    """The runs in folders, in their order.

    Raises UserError for fewer than two, one that is given twice, one that is not finished, one whose files are not a
    run's, and one with other classes than the first.
    """
    if len(paths) < 2:
        what = f"{str(paths[0])!r} is the only run" if paths else "no run is given"
        raise UserError(f"{what}: name two run folders or more, as runs/catdog/...; see --help")
    places = [os.path.realpath(path) for path in paths]
    for number, place in enumerate(places):
        if place in places[:number]:
            raise UserError(f"{str(paths[number])!r} is given twice: a run has nothing to be compared with in itself")
    runs = [_open(path, name) for path, name in zip(paths, names_of(paths), strict=True)]
    for run in runs[1:]:
        check_classes(runs[0], run.name, run.class_names)
    return runs


def names_of(paths: Sequence[Path]) -> list[str]:
    """The last parts of each path, as many for all as tell them apart; text of one line."""
    parts = [Path(os.path.abspath(path)).parts for path in paths]
    for depth in range(1, max(map(len, parts))):
        names = [os.path.join(*one[-depth:]) for one in parts]
        if len(set(names)) == len(names):
            break
    return [one_line(os.fsencode(name)) for name in names]


def check_classes(first: FinishedRun, name: str, class_names: Sequence[str]) -> None:
    """Raises UserError where `class_names`, of what is called `name`, are not those of `first` in any order."""
    ours, theirs = set(first.class_names), set(class_names)
    if odd := sorted(ours ^ theirs):
        who, other = (first.name, name) if odd[0] in ours else (name, first.name)
        raise UserError(
            f"{name!r} has other classes than {first.name!r} ({who!r} knows {odd[0]!r:.80}, {other!r} does not; "
            f"{len(odd)} differ): compare runs of the same classes"
        )


def differing_options(runs: Sequence[FinishedRun]) -> list[tuple[str, list[str]]]:
    """(flag or fact, its words a run) of each in which the runs are not all alike."""
    flags = list(dict.fromkeys(flag for run in runs for flag in run.options))
    rows = [(flag, [run.options.get(flag, "–") for run in runs]) for flag in flags]
    rows.append(("train examples", [_words(_part(run.results, "train").get("examples")) for run in runs]))
    rows.append(("file of the network, SHA-256", [_words(run.results.get("network_sha256"))[:12] for run in runs]))
    versions = [_part(run.results, "versions") for run in runs]
    for name in sorted({name for one in versions for name in one}):
        rows.append((f"version of {name}", [_words(one.get(name)) for one in versions]))
    return [(name, words) for name, words in rows if len(set(words)) > 1]


def _open(path: Path, name: str) -> FinishedRun:
    shown, folder = repr(str(path)), RunFolder(path)
    if not path.is_dir():
        what = "is a file" if path.exists() else "does not exist"
        raise UserError(f"{shown} {what}: give run folders, as runs/catdog/...")
    if not folder.has_begun:
        raise UserError(f"{shown} is not a run folder (it has no {folder.options.path.name}): give run folders")
    results = folder.results_if_finished()
    if results is None:
        raise UserError(f"{shown} holds a run that is not finished: give its train.py command again, or leave it out")
    class_names = results.get("class_names")
    is_named = isinstance(class_names, list) and all(isinstance(one, str) for one in class_names)
    if not is_named or not class_names or len(set(class_names)) < len(class_names):
        raise UserError(f"{shown}: {folder.results.path.name} does not name the classes, each once: put it back")
    try:
        chosen = _part(results, "chosen")
        options = {row.flag: option_text(row) for row in option_rows(folder.options.read(), chosen)}
    except (OSError, ValueError, TypeError, AttributeError) as error:
        raise UserError(f"{shown}: {folder.options.path.name} is damaged ({error}): put it back") from None
    return FinishedRun(path, name, results, class_names, options)


def _part(values: Mapping, name: str) -> Mapping:
    """A mapping in a mapping; an empty one where there is none."""
    found = values.get(name)
    return found if isinstance(found, dict) else {}


def _words(value: object) -> str:
    return "–" if value is None else f"{value:,}" if type(value) is int else str(value)
