"""The test examples of finished runs, joined by what is in their files, so that all runs answer the same questions."""

import collections
import dataclasses
import hashlib
import os
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from base.errors import UserError
from base.hashing import fold_key
from evaluation.metrics import log_losses
from jobs.finished_runs import FinishedRun
from jobs.tested import OTHERWISE, Key, read_tested


@dataclasses.dataclass(frozen=True, eq=False)
class Joined:
    """The same examples for all runs, in an order that no run decides.

    Attributes:
      what: where they come from, in words.
      class_names: those of the first run, in its order.
      digests: the SHA-256 of each example's file, in hexadecimal.
      labels: int64 [examples], numbers of `class_names`.
      answers: int64 [runs, examples], what each run says: the likeliest class, or what its threshold makes of it.
      probabilities: float32 [runs, examples, classes], in the order of `class_names`.
      paths: of each example, as it is shown; bytes that are no UTF-8 as surrogate escapes.
      files: of each example, where its file may lie.
      notes: what of this the figures do not say.
    """

    what: str
    class_names: Sequence[str]
    digests: Sequence[str]
    labels: np.ndarray
    answers: np.ndarray
    probabilities: np.ndarray
    paths: Sequence[str]
    files: Sequence[Sequence[bytes]]
    notes: Sequence[str] = ()

    @property
    def right(self) -> np.ndarray:
        """bool [runs, examples]: whether the answer is the example's class."""
        return self.answers == self.labels

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


def join_tests(runs: Sequence[FinishedRun], data_dir: str, cache_dir: Path) -> Joined:
    """The test examples of all runs; `data_dir` is where their pictures are now, empty where they have not moved.

    Raises UserError for a run without test examples, one whose tables are damaged, and other examples than the first
    run's.
    """
    tests = [read_tested(run, data_dir, cache_dir) for run in runs]
    keyed = [test.by_key() for test in tests]
    for run, keys in zip(runs[1:], keyed[1:], strict=True):
        _check_same(runs[0], run, keyed[0], keys)
    names, keys = runs[0].class_names, sorted(keyed[0])
    first = [tests[0].rows[keyed[0][key]] for key in keys]
    answers, probabilities = [], []
    for run, test, numbers in zip(runs, tests, keyed, strict=True):
        rows, columns = [numbers[key] for key in keys], [run.class_names.index(name) for name in names]
        answers.append([names.index(test.answers[row]) for row in rows])
        probabilities.append(test.probabilities[rows][:, columns])
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
        np.array(answers),
        np.stack(probabilities),
        [row.path for row in first],
        files,
        [note for run in runs for note in _leak_notes(run, {row.sha256 for row in first})],
    )


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
        f"with the same --split_seed, {OTHERWISE}"
    )


def _leak_notes(run: FinishedRun, tested: set[str]) -> list[str]:
    split = run.folder.contents_by_split()
    trained = len(tested & split.get("train", set()))
    flattered = f"{run.name} trained on the bytes of {trained} of these pictures, which flatters it"
    return [flattered] if trained else []
