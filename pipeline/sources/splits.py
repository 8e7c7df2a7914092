"""Train, validation and test: as the folders say, or drawn here; stratified, seeded, duplicates kept together.

The draw depends on the contents and the seed alone: a file that is renamed stays in its split. Two files with the
same bytes never land in different splits, so a test picture is never one that was trained on.
"""

import dataclasses

import numpy as np

from base.errors import UserError
from base.hashing import fold_key, splitmix64
from base.splits import SPLIT_NAMES
from pipeline.sources.manifest import Manifest


@dataclasses.dataclass(frozen=True)
class Splits:
    """Which examples are in which split: int64 example ids, ascending (file order), by split name; `shared` are those
    whose very bytes also stand in another split, `contradicting` those that also stand under another class."""

    ids: dict[str, np.ndarray]
    shared: np.ndarray = dataclasses.field(default_factory=lambda: np.zeros(0, np.int64))
    contradicting: np.ndarray = dataclasses.field(default_factory=lambda: np.zeros(0, np.int64))

    def counts(self, manifest: Manifest) -> dict[str, list[int]]:
        """Examples a class, by split name."""
        classes = len(manifest.class_names)
        return {name: np.bincount(manifest.labels[ids], minlength=classes).tolist() for name, ids in self.ids.items()}


def train_on_validation(splits: Splits) -> Splits:
    """The splits of a full training: validation joins train, and nothing is left to validate on."""
    joined = np.sort(np.concatenate([splits.ids["train"], splits.ids["validation"]]))
    return dataclasses.replace(splits, ids=splits.ids | {"train": joined, "validation": joined[:0]})


def make_splits(manifest: Manifest, refused: np.ndarray, fractions: tuple[float, float, float], seed: int) -> Splits:
    """Splits the examples that are not in `refused` (int64 ids).

    Folders that name a split keep it. Where they name none, or lack one that `fractions` (train, validation, test)
    asks for, the missing ones are drawn from train. Raises UserError where a class has nothing to train on.
    """
    codes = manifest.given_splits.astype(np.int64)
    undecided = codes < 0
    fractions = _missing_fractions(codes, fractions)
    if not undecided.any() and any(fractions[1:]):
        undecided = codes == 0
    alive = np.ones(len(manifest), bool)
    alive[refused] = False
    groups = _content_groups(manifest)
    drawn = np.flatnonzero(undecided & alive)
    codes[drawn] = _draw(manifest.labels[drawn], groups[drawn], manifest.facts["sha256"][drawn], fractions, seed)
    codes[~alive] = -1
    _check_trainable(manifest, codes)
    ids = {name: np.flatnonzero(codes == code) for code, name in enumerate(SPLIT_NAMES)}
    labels = np.where(alive, manifest.labels, -1)
    return Splits(ids, shared=_crossing(groups, codes), contradicting=_crossing(groups, labels))


def _missing_fractions(codes: np.ndarray, fractions: tuple[float, float, float]) -> tuple[float, float, float]:
    """The fractions to draw, with 0 for a split that folders give."""
    given = {int(code) for code in np.unique(codes) if code > 0}
    wanted = [0.0 if code in given else fraction for code, fraction in enumerate(fractions)]
    total = sum(wanted)
    return tuple(fraction / total for fraction in wanted)


def _content_groups(manifest: Manifest) -> np.ndarray:
    """int64 [examples]: equal for files with the same bytes."""
    contents = np.ascontiguousarray(manifest.facts["sha256"]).view("V32").ravel()
    return np.unique(contents, return_inverse=True)[1].astype(np.int64)


def _draw(labels, groups, contents, fractions, seed) -> np.ndarray:
    """int64 [examples] split codes. Within a class, examples stand in an order keyed by content; a cut at each
    fraction gives the splits, and a group of duplicates goes where its first member goes."""
    words = np.ascontiguousarray(contents[:, :8]).view("<u8").ravel()
    order_keys = splitmix64(words ^ np.uint64(fold_key("split", seed)))
    codes = np.empty(len(labels), np.int64)
    for label in np.unique(labels):
        members = np.flatnonzero(labels == label)
        members = members[np.argsort(order_keys[members], kind="stable")]
        codes[members] = np.searchsorted(_cuts(len(members), fractions), np.arange(len(members)), side="right")
    _, first_row, group_index = np.unique(groups, return_index=True, return_inverse=True)
    return codes[first_row][group_index]


def _cuts(count: int, fractions: tuple[float, float, float]) -> np.ndarray:
    """Where validation and test begin among `count` examples; a split that is asked for gets at least one example
    when there are enough for all, and train always does."""
    asked = np.array([fraction > 0 for fraction in fractions[1:]], int)
    train = round(count * fractions[0])
    train = max(1, min(train, count - asked.sum()))
    validation = round(count * (fractions[0] + fractions[1])) - train
    validation = max(asked[0], min(validation, count - train - asked[1])) if asked[0] else 0
    return np.array([train, count if not asked[1] else train + validation])


def _check_trainable(manifest: Manifest, codes: np.ndarray) -> None:
    counts = np.bincount(manifest.labels[codes == 0], minlength=len(manifest.class_names))
    if not counts.all():
        raise UserError(
            f"class {manifest.class_names[counts.argmin()]!r} has no picture to train on: every class needs at least "
            "one readable picture in the training split; add some, or remove the folder"
        )


def _crossing(groups: np.ndarray, marks: np.ndarray) -> np.ndarray:
    """The ids in groups that hold more than one mark; a negative mark is none."""
    used = np.flatnonzero(marks >= 0)
    pairs = np.unique(np.stack([groups[used], marks[used]], axis=1), axis=0)
    crossing = np.flatnonzero(np.bincount(pairs[:, 0]) > 1)
    return used[np.isin(groups[used], crossing)]
