"""The test examples of finished runs, joined by what is in their files, so that all runs answer the same questions."""

import collections
import dataclasses
import hashlib
import os
import re
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from base.errors import UserError
from base.hashing import fold_key
from evaluation.metrics import log_losses
from jobs.finished_runs import FinishedRun
from pipeline.sources.folders import data_folder
from records.tables import SplitRow, predicted_classes

_OTHERWISE = "or score all of them on other pictures with --dataset=folder:PATH"
Key = tuple[str, str, int]  # SHA-256, label, and which of several that are alike


@dataclasses.dataclass(frozen=True, eq=False)
class Joined:
    """The same examples for all runs, in an order that no run decides.

    Attributes:
      what: where they come from, in words.
      class_names: those of the first run, in its order.
      digests: the SHA-256 of each example's file, in hexadecimal.
      labels: int64 [examples], numbers of `class_names`.
      probabilities: float32 [runs, examples, classes], in the order of `class_names`.
      paths: of each example, as it is shown; bytes that are no UTF-8 as surrogate escapes.
      files: of each example, where its file may lie.
      notes: what of this the figures do not say.
    """

    what: str
    class_names: Sequence[str]
    digests: Sequence[str]
    labels: np.ndarray
    probabilities: np.ndarray
    paths: Sequence[str]
    files: Sequence[Sequence[bytes]]
    notes: Sequence[str] = ()

    @property
    def right(self) -> np.ndarray:
        """bool [runs, examples]: whether the likeliest class is the example's."""
        return self.probabilities.argmax(axis=2) == self.labels

    @property
    def of_class(self) -> np.ndarray:
        """float32 [runs, examples]: the probability of the example's class."""
        return self.probabilities[:, np.arange(len(self.labels)), self.labels]

    @property
    def losses(self) -> np.ndarray:
        """float64 [runs, examples], in nats."""
        return np.stack([log_losses(self.labels, rows) for rows in self.probabilities])

    @property
    def key(self) -> int:
        """Of the bootstrap's draws: the same for the same examples, whoever is compared on them."""
        names = (self.class_names[label] for label in self.labels)
        lines = "\n".join(map("\t".join, zip(self.digests, names, strict=True)))
        return fold_key("bootstrap", hashlib.sha256(lines.encode("utf-8", "surrogateescape")).hexdigest())


@dataclasses.dataclass(frozen=True, eq=False)
class _Test:
    rows: Sequence[SplitRow]
    probabilities: np.ndarray  # float32 [rows, classes]
    roots: Sequence[bytes]  # folders that the paths of the rows may lie in

    def by_key(self) -> dict[Key, int]:
        """Row of each example; two of one content and label are told apart by their order."""
        seen, found = collections.Counter(), {}
        for number, row in enumerate(self.rows):
            found[row.sha256, row.label, seen[row.sha256, row.label]] = number
            seen[row.sha256, row.label] += 1
        return found


def join_tests(runs: Sequence[FinishedRun], data_dir: str, cache_dir: Path) -> Joined:
    """The test examples of all runs; `data_dir` is where their pictures are now, empty where they have not moved.

    Raises UserError for a run without test examples, one whose tables are damaged, and other examples than the first
    run's.
    """
    tests = [_read(run, data_dir, cache_dir) for run in runs]
    keyed = [test.by_key() for test in tests]
    for run, keys in zip(runs[1:], keyed[1:], strict=True):
        _check_same(runs[0], run, keyed[0], keys)
    names, keys = runs[0].class_names, sorted(keyed[0])
    first = [tests[0].rows[keyed[0][key]] for key in keys]
    probabilities = []
    for run, test, rows in zip(runs, tests, keyed, strict=True):
        columns = [run.class_names.index(name) for name in names]
        probabilities.append(test.probabilities[[rows[key] for key in keys]][:, columns])
    files = [
        [os.path.join(root, os.fsencode(test.rows[rows[key]].path))
         for test, rows in zip(tests, keyed, strict=True) for root in test.roots]
        for key in keys
    ]  # fmt: skip
    return Joined(
        "the runs' own test examples",
        names,
        [row.sha256 for row in first],
        np.array([names.index(row.label) for row in first]),
        np.stack(probabilities),
        [row.path for row in first],
        files,
        [note for run in runs for note in _leak_notes(run, {row.sha256 for row in first})],
    )


def _read(run: FinishedRun, data_dir: str, cache_dir: Path) -> _Test:
    shown, folder = repr(str(run.path)), run.folder
    name, split_name = folder.predictions.path.name, folder.split.path.name
    if not folder.predictions.path.exists():
        raise UserError(f"{shown} has no {name}: put it back, {_OTHERWISE}")
    try:
        predictions, columns = folder.predictions.read(), predicted_classes(folder.predictions.path)
    except (OSError, ValueError) as error:
        raise UserError(f"{shown}: {name} is damaged ({error}): put it back, {_OTHERWISE}") from None
    if not predictions:
        raise UserError(f"{shown} has no test example: compare runs that have a test split, {_OTHERWISE}")
    if columns != list(run.class_names):
        raise UserError(f"{shown}: {name} has other classes than {folder.results.path.name}: they are not of one run")
    dataset, its_data_dir, rows = folder.examples_of("test", run.class_names)
    if [(row.path, row.label) for row in rows] != [(row.path, row.label) for row in predictions]:
        raise UserError(f"{shown}: {name} and {split_name} have other test examples: they are not of one run")
    unhashed = next((row for row in rows if not re.fullmatch("[0-9a-f]{64}", row.sha256)), None)
    if unhashed:
        raise UserError(f"{shown}: {split_name} has no SHA-256 of {unhashed.path!r:.80}, by which runs are compared")
    probabilities = np.stack([row.probabilities for row in predictions])
    labels = np.array([run.class_names.index(row.label) for row in rows])
    try:
        log_losses(labels, probabilities)
    except ValueError as error:
        raise UserError(f"{shown}: {name} is damaged ({error}): put it back, {_OTHERWISE}") from None
    _check_recorded(run, float(np.mean(probabilities.argmax(axis=1) == labels)))
    return _Test(rows, probabilities, _roots(dataset, data_dir or its_data_dir, cache_dir))


def _check_recorded(run: FinishedRun, accuracy: float) -> None:
    test = run.results.get("test")
    recorded = test.get("accuracy") if isinstance(test, dict) else None
    if isinstance(recorded, float) and abs(recorded - accuracy) > 1e-6:
        raise UserError(
            f"{str(run.path)!r}: {run.folder.predictions.path.name} gives an accuracy of {accuracy:.4f}, "
            f"{run.folder.results.path.name} {recorded:.4f}: they are not of one run"
        )


def _roots(dataset: str, data_dir: str, cache_dir: Path) -> list[bytes]:
    """Where a data set's pictures may lie: nothing is fetched or rendered, and what lies there is checked."""
    roots = [data_folder(dataset, data_dir)] if data_folder(dataset, data_dir) else []
    if not dataset.startswith("folder:"):  # rendered faces, and what TFDS gives
        roots += sorted([*cache_dir.glob("*/"), *cache_dir.glob("tfds/*/")])
    return [os.path.abspath(os.fsencode(root)) for root in roots]


def _check_same(first: FinishedRun, other: FinishedRun, ours: dict[Key, int], theirs: dict[Key, int]) -> None:
    if ours.keys() == theirs.keys():
        return
    mine, its = (collections.Counter(digest for digest, *_ in keys) for keys in (ours, theirs))
    if mine == its:
        differ = f"{len(ours.keys() - theirs.keys())} of {len(ours)} have another label"
    else:
        lost, more = len(ours.keys() - theirs.keys()), len(theirs.keys() - ours.keys())
        differ = f"{lost} of {len(ours)} are not among its {len(theirs)}"
        differ = differ if lost else f"{more} of its {len(theirs)} are not among the {len(ours)}"
    raise UserError(
        f"{other.name!r} was tested on other examples than {first.name!r}: {differ}; train both on the same pictures "
        f"with the same --split_seed, {_OTHERWISE}"
    )


def _leak_notes(run: FinishedRun, tested: set[str]) -> list[str]:
    split = run.folder.contents_by_split()
    trained = len(tested & split.get("train", set()))
    flattered = f"{run.name} trained on the bytes of {trained} of these pictures, which flatters it"
    return [flattered] if trained else []
