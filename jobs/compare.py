"""What compare.py does: finished runs, side by side on the same pictures. TensorFlow only where a model is run."""

import dataclasses
import datetime
import hashlib
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from base import durable
from base.results import ResultFolder
from evaluation.comparison import SIGNIFICANT, Pair, compare_pairs, resamples_of
from evaluation.comparison_words import conclusion, verdict
from evaluation.figures import all_figures
from jobs.disagreements import TABLE_BEGINNING as DISAGREEMENTS_BEGINNING
from jobs.disagreements import content_of, disagreement_rows, groups_to_show
from jobs.disagreements import table_rows as disagreement_table
from jobs.finished_runs import FinishedRun, differing_options, open_runs
from jobs.joined import Joined, join_tests
from pipeline.sources.folders import check_outside
from records.run_folder import RunFolder
from reports.comparison_page import PAGE_BEGINNING, render_comparison
from reports.comparison_table import TABLE_BEGINNING, lines_of, table_rows

_JSON_BEGINNING = b'{\n  "compared":'
_FILES = {"comparison.csv": TABLE_BEGINNING, "comparison.json": _JSON_BEGINNING,
          "comparison.html": PAGE_BEGINNING.encode(), "disagreements.csv": DISAGREEMENTS_BEGINNING}  # fmt: skip
_TIMED_PICTURES = 32
_MOST_NAME_BYTES = 120


@dataclasses.dataclass(frozen=True)
class Comparison:
    """What is asked for.

    Attributes:
      run_dirs: folders of finished runs; what is a comparison of ours among them is passed over.
      folder: of pictures that all are scored on; None are the runs' own test examples.
      split, labels_csv: of `folder`, as evaluate.py has them.
      data_dir: where the runs' own pictures are now, empty where they have not moved.
      out_dir: for what comes out; None is a folder named by the runs, beside the first one.
      time: whether a picture is timed on this machine.
    """

    run_dirs: Sequence[Path]
    folder: Path | None = None
    split: str = ""
    labels_csv: str = ""
    data_dir: str = ""
    out_dir: Path | None = None
    time: bool = True

    @property
    def needs_tensorflow(self) -> bool:
        """Whether a SavedModel is run."""
        return self.time or self.folder is not None


@dataclasses.dataclass(frozen=True, eq=False)
class Opened:
    """The runs, their own test examples where these are compared on, and what is told of the folders given."""

    runs: Sequence[FinishedRun]
    joined: Joined | None
    notes: Sequence[str]


def open_compared(asked: Comparison, cache_dir: Path) -> Opened:
    """All that can be refused without TensorFlow; raises UserError, as `open_runs` and `join_tests`."""
    passed = [path for path in asked.run_dirs if _is_comparison(path)]
    runs = open_runs([path for path in asked.run_dirs if path not in passed])
    if asked.out_dir or asked.folder is None:
        _results(asked, runs).check()
    for run in runs:
        _check_outside_pictures(asked, runs, run)
    joined = join_tests(runs, asked.data_dir, cache_dir) if asked.folder is None else None
    return Opened(runs, joined, [f"{path.name} is a comparison, and no run: passed over" for path in passed])


def compare(asked: Comparison, opened: Opened, cache_dir: Path) -> list[str]:
    """Writes comparison.csv, comparison.json, comparison.html and disagreements.csv; returns lines for the terminal.

    Raises UserError where a SavedModel is not as it was exported, no picture can be scored, or files of these names are
    in the way that are not compare.py's.
    """
    runs, joined, models, name = opened.runs, opened.joined, [], ""
    if asked.needs_tensorflow:
        from jobs import compared_models

        models = compared_models.load_models(runs)
        if joined is None:
            scored = compared_models.find_pictures(
                runs, asked.folder, asked.split, asked.labels_csv, asked.out_dir, cache_dir
            )
            name = scored.name
            _results(asked, runs, name).check()
            joined = compared_models.score(runs, models, scored)
    times, machine, time_notes = _times(models, joined) if asked.time else ([None] * len(runs), "", [])
    notes = [*opened.notes, *joined.notes, *_twin_notes(runs), *time_notes]
    comparison = _comparison(runs, joined, times, notes) | {"machine": machine}
    rows, names = disagreement_rows(joined), [run.name for run in runs]
    is_synthetic = asked.folder is None and any(run.results.get("data_origin") == "synthetic" for run in runs)
    page = render_comparison(comparison, groups_to_show(joined, rows, names), is_synthetic)
    with _results(asked, runs, name).open() as out_dir:
        durable.write_csv(out_dir / "comparison.csv", table_rows(comparison))
        durable.write_csv(out_dir / "disagreements.csv", disagreement_table(joined, rows, names))
        durable.write_json(out_dir / "comparison.json", comparison)
        durable.write_text(out_dir / "comparison.html", page)
    return [*lines_of(comparison), f"written to {out_dir}: {', '.join(_FILES)}"]


def folder_name(runs: Sequence[FinishedRun], scored_name: str = "") -> str:
    """Of a folder for what comes out, beside the first run: the runs' own names, and that of the pictures.

    With a number where these do not tell all: runs of several folders, or names too long.
    """
    places = [os.path.abspath(run.path) for run in runs]
    name = "-vs-".join(map(os.path.basename, places)) + (f"-on-{scored_name}" if scored_name else "")
    is_whole = len(os.fsencode(name)) <= _MOST_NAME_BYTES and len({*map(os.path.dirname, places)}) == 1
    if is_whole:
        return name
    while len(os.fsencode(name)) > _MOST_NAME_BYTES:
        name = name[:-1]
    return f"{name}-{hashlib.sha256(os.fsencode(chr(0).join([*places, scored_name]))).hexdigest()[:6]}"


def _results(asked: Comparison, runs: Sequence[FinishedRun], scored_name: str = "") -> ResultFolder:
    beside = Path(os.path.abspath(runs[0].path)).parent
    return ResultFolder("--out_dir", asked.out_dir or beside / folder_name(runs, scored_name), _FILES, ())


def _is_comparison(path: Path) -> bool:
    """Whether a folder holds what compare.py wrote, and no run, as one does that runs/catdog/* names too."""
    try:
        with open(path / "comparison.json", "rb") as file:
            return file.read(len(_JSON_BEGINNING)) == _JSON_BEGINNING and not RunFolder(path).has_begun
    except OSError:
        return False


def _check_outside_pictures(asked: Comparison, runs: Sequence[FinishedRun], run: FinishedRun) -> None:
    dataset = run.options.get("dataset", "")
    if dataset.startswith("folder:") or asked.data_dir:
        check_outside("--out_dir", _results(asked, runs).path, dataset, asked.data_dir)


def _times(models: Sequence, joined: Joined) -> tuple[list[dict | None], str, list[str]]:
    """(milliseconds of each model, the machine, why there are none)."""
    from jobs.compared_models import machine_words, time_models

    rows = np.unique(np.linspace(0, len(joined.labels) - 1, _TIMED_PICTURES).astype(int))
    contents = [content for row in rows if (content := content_of(joined, row)) is not None]
    if not contents:
        why = "not timed: the pictures are not where they were; --data_dir says where they are"
        return [None] * len(models), "", [why]
    times = time_models(models, contents)
    if times is None:
        return [None] * len(models), "", ["not timed: a picture cannot be decoded"]
    return [{str(batch): value for batch, value in one.items()} for one in times], machine_words(), []


def _twin_notes(runs: Sequence[FinishedRun]) -> list[str]:
    """Runs that are one: a copy, or the same command given again."""
    notes = []
    for number, run in enumerate(runs):
        weights = run.results.get("weights_sha256")
        twin = next(
            (one.name for one in runs[:number] if weights and one.results.get("weights_sha256") == weights), None
        )
        notes += [f"{run.name} has the very weights of {twin}"] if twin else []
    return notes


def _comparison(runs: Sequence[FinishedRun], joined: Joined, times: Sequence, notes: Sequence[str]) -> dict[str, Any]:
    """What comparison.json holds, from which all else is drawn."""
    names = [run.name for run in runs]
    pairs = compare_pairs(joined.right, joined.losses, joined.key)
    return {
        "compared": joined.what,
        "examples": len(joined.labels),
        "examples_sha256": hashlib.sha256("\n".join(joined.digests).encode()).hexdigest(),
        "class_names": list(joined.class_names),
        "conclusion": conclusion(pairs, names),
        "runs": [_run(*one, joined) for one in zip(runs, joined.answers, joined.probabilities, times, strict=True)],
        "pairs": [_pair(pair, names) for pair in pairs],
        "significant_below": SIGNIFICANT,
        "resamples": resamples_of(len(joined.labels)),
        "differing_options": [{"option": name, "values": words} for name, words in differing_options(runs)],
        "notes": list(notes),
        "date": datetime.datetime.now().astimezone().isoformat(timespec="seconds"),
    }


def _run(
    run: FinishedRun, answers: np.ndarray, probabilities: np.ndarray, times: Mapping | None, joined: Joined
) -> dict[str, Any]:
    device = run.results.get("device")
    return {
        "name": run.name,
        "path": os.path.abspath(run.path),
        **all_figures(joined.labels, probabilities, joined.class_names, answers),
        "saved_model_bytes": run.saved_model_bytes,
        "parameters": run.number("parameters"),
        "training_seconds": run.number("seconds"),
        "device": device if isinstance(device, str) else None,
        "milliseconds_a_picture": times,
    }


def _pair(pair: Pair, names: Sequence[str]) -> dict[str, Any]:
    values = dataclasses.asdict(pair) | {"first": names[pair.first], "second": names[pair.second]}
    better = None if pair.better is None else names[pair.better]
    return values | {"better": better, "verdict": verdict(pair, names)}
