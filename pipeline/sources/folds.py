"""Cross-validation: which examples each fold tests; stratified, seeded, copies of a file kept together."""

import dataclasses
from collections.abc import Sequence

import numpy as np

from base.errors import UserError
from base.hashing import fold_key, splitmix64

LEAST_FOLDS, MOST_FOLDS = 2, 100


@dataclasses.dataclass(frozen=True)
class Fold:
    """The `number`-th, from 1 on, of `count` folds: its examples are the test split."""

    number: int
    count: int

    def __str__(self) -> str:
        return f"fold {self.number} of {self.count}"


def draw_folds(labels: np.ndarray, groups: np.ndarray, contents: np.ndarray, count: int, seed: int) -> np.ndarray:
    """int64 [examples], from 1 to `count`: the fold in which each example is tested, which is one.

    A class's files are dealt in turn, in an order keyed by content, the fold of fewest examples first; files with many
    copies, which all go one way, are dealt before the others. So without copies no two folds differ by more than one
    example, of a class or in all. The draw depends on contents, classes and the seed, not on names.

    Args:
      labels: int [examples].
      groups: int [examples], equal for files with the same bytes; a group counts to the class of its first example.
      contents: uint8 [examples, 32], the SHA-256 of each.
    """
    first_rows, group_of, sizes = _groups(groups)
    words = np.ascontiguousarray(contents[first_rows, :8]).view("<u8").ravel()
    keys = splitmix64(words ^ np.uint64(fold_key("folds", seed)))
    folds, totals = np.zeros(len(first_rows), np.int64), np.zeros(count, np.int64)
    for label in np.unique(labels[first_rows]):
        members = np.flatnonzero(labels[first_rows] == label)
        members = members[np.lexsort((keys[members], -sizes[members]))]
        emptiest_first = np.argsort(totals, kind="stable")
        folds[members] = emptiest_first[np.arange(len(members)) % count]
        totals += np.bincount(folds[members], weights=sizes[members], minlength=count).astype(np.int64)
    return 1 + folds[group_of]


def check_folds(folds: np.ndarray, labels: np.ndarray, count: int, class_names: Sequence[str]) -> None:
    """Raises UserError where a fold would test nothing, or a class would be in one fold alone, which then trains on
    none of it."""
    empty = np.setdiff1d(np.arange(1, count + 1), folds)
    if len(empty):
        raise UserError(
            f"--folds={count}: there are only {count - len(empty)} different pictures to test: give fewer folds"
        )
    for label, name in enumerate(class_names):
        if len(np.unique(folds[labels == label])) < 2:
            raise UserError(
                f"--folds={count}: class {name!r} has less than two different pictures, and each fold must train on "
                "some that it does not test: add some, or remove the class"
            )


def _groups(groups: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """(the first example of each group, each example's group, examples a group)."""
    _, first_rows, group_of, sizes = np.unique(groups, return_index=True, return_inverse=True, return_counts=True)
    return first_rows, group_of, sizes
