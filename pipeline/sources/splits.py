"""Train, validation and test: as the folders say, or drawn here; stratified, seeded, duplicates kept together.

The draw depends on the contents and the seed alone: a file that is renamed stays in its split. Two files with the
same bytes never land in different splits, so a test picture is never one that was trained on.
"""

import dataclasses
from collections.abc import Collection, Mapping

import numpy as np

from base.errors import UserError, one_line
from base.hashing import fold_key, splitmix64
from base.splits import SPLIT_NAMES
from pipeline.sources.folds import Fold, check_folds, draw_folds
from pipeline.sources.manifest import Manifest
from pipeline.sources.names import near_name

NO_SPLIT = "the data names no split"
IMBALANCE = 5  # times as many pictures in the largest class as in the smallest
USUAL_FRACTIONS = (0.6, 0.2, 0.2)
Fractions = tuple[float, float, float]


@dataclasses.dataclass(frozen=True)
class Splits:
    """Which examples are in which split: int64 example ids, ascending (file order), by split name; `shared` are those
    whose very bytes also stand in another split, `contradicting` those that also stand under another class; `drawn`
    says why each split that is not the data's own was drawn; `fold` is what cross-validation tests, None without it."""

    ids: dict[str, np.ndarray]
    shared: np.ndarray = dataclasses.field(default_factory=lambda: np.zeros(0, np.int64))
    contradicting: np.ndarray = dataclasses.field(default_factory=lambda: np.zeros(0, np.int64))
    drawn: Mapping[str, str] = dataclasses.field(default_factory=dict)
    fold: Fold | None = None

    def counts(self, manifest: Manifest) -> dict[str, list[int]]:
        """Examples a class, by split name."""
        classes = len(manifest.class_names)
        return {name: np.bincount(manifest.labels[ids], minlength=classes).tolist() for name, ids in self.ids.items()}


def train_on_validation(splits: Splits) -> Splits:
    """The splits of a full training: validation joins train, and nothing is left to validate on."""
    joined = np.sort(np.concatenate([splits.ids["train"], splits.ids["validation"]]))
    return dataclasses.replace(splits, ids=splits.ids | {"train": joined, "validation": joined[:0]})


def split_notes(splits: Splits, manifest: Manifest, asked: bool) -> list[str]:
    """What a user should know of the splits, a line each; `asked` is whether he gave the fractions himself."""
    train = len(splits.ids["train"])
    total = train + sum(len(splits.ids[split]) for split in splits.drawn)
    notes = _fold_notes(splits, manifest) if splits.fold else []
    for split, why in splits.drawn.items():
        source = "" if why == NO_SPLIT else " from train"
        notes.append(f"{split}: drawn{source}, {len(splits.ids[split])} of {total} pictures, because {why}")
    if not len(splits.ids["test"]) and not asked:
        notes.append(
            "no test split, and so no test score: put class folders into a folder called test, or have one drawn from "
            "train with --split_fractions=0.6,0.2,0.2"
        )
    sizes = dict(zip(splits.counts(manifest)["train"], manifest.class_names, strict=True))
    if (most := max(sizes)) >= IMBALANCE * (least := min(sizes)):
        notes.append(
            f"classes are imbalanced: {sizes[most]!r} has {most} pictures in train, {sizes[least]!r} has {least}; read "
            "the figures of each class, accuracy alone hides the rare ones"
        )
    if asked and not splits.drawn and not splits.fold:
        notes.append("--split_fractions has no effect: the data has all splits that it asks for")
    for split, counts in splits.counts(manifest).items():
        lacking = [name for name, count in zip(manifest.class_names, counts, strict=True) if not count]
        if lacking and any(counts):
            more = f" and {len(lacking) - 1} other class{'es' * (len(lacking) > 2)}" if len(lacking) > 1 else ""
            notes.append(f"{split} has no picture of {lacking[0]!r}{more}")
    return notes


def _fold_notes(splits: Splits, manifest: Manifest) -> list[str]:
    count = {split: len(ids) for split, ids in splits.ids.items()}
    notes = [
        f"test: {splits.fold}, {count['test']} of {sum(count.values())} pictures; validation: {count['validation']}, "
        "drawn from the other folds"
    ]
    given = [int(np.sum(manifest.given_splits == code)) for code in range(len(SPLIT_NAMES))]
    named = dict(zip(SPLIT_NAMES, given, strict=True))
    if named["validation"]:
        notes.append("the folds are drawn from the train and validation splits of the data together")
    if named["test"]:
        notes.append(
            f"the test split of the data, {named['test']} pictures, is kept apart: no fold trains, validates or tests "
            "on it, so that it can judge what the folds were compared for"
        )
    return notes


def make_splits(
    manifest: Manifest, refused: np.ndarray, fractions: Fractions | None, seed: int,
    named: Collection[tuple[str, bytes]] = (), fold: Fold | None = None,
) -> Splits:  # fmt: skip
    """Splits the examples that are not in `refused` (int64 ids).

    Folders that name a split keep it; `named` are (split, folder) of those that stand there, empty ones too. What is
    missing is drawn from train by `fractions` (train, validation, test). Where these are None they are 0.6, 0.2 and
    0.2, but no test split is drawn where the folders name a validation split and no test split: who made his own splits
    has counted on all of train.

    Of cross-validation `fold` is the test split. The folds are drawn from all examples but those of a test split that
    the data names, which is kept apart; of those that the fold does not test, validation is drawn by `fractions`.

    Raises UserError where a class has nothing to train on.
    """
    alive = np.ones(len(manifest), bool)
    alive[refused] = False
    if fold:
        return _fold_splits(manifest, alive, fractions or USUAL_FRACTIONS, seed, fold)
    codes = np.where(alive, manifest.given_splits, -1).astype(np.int64)
    given = {SPLIT_NAMES[code] for code in np.unique(codes) if code >= 0}
    wanted = _wanted(given, dict(named), fractions)
    source = codes == 0 if given else alive
    groups = content_groups(manifest)
    if any(wanted[1:]) or not given:
        rows = np.flatnonzero(source)
        codes[rows] = _draw(manifest.labels[rows], groups[rows], manifest.facts["sha256"][rows], wanted, seed)
    _check_trainable(manifest, codes)
    ids = {name: np.flatnonzero(codes == code) for code, name in enumerate(SPLIT_NAMES)}
    labels = np.where(alive, manifest.labels, -1)
    drawn = {split: _why_drawn(split, dict(named)) if given else NO_SPLIT
             for split, part in zip(SPLIT_NAMES, wanted, strict=True) if part and split != "train"}  # fmt: skip
    return Splits(ids, _crossing(groups, codes), _crossing(groups, labels), drawn)


def _fold_splits(manifest: Manifest, alive: np.ndarray, fractions: Fractions, seed: int, fold: Fold) -> Splits:
    is_kept = alive & (manifest.given_splits == SPLIT_NAMES.index("test"))
    rows, groups = np.flatnonzero(alive & ~is_kept), content_groups(manifest)
    labels, contents = manifest.labels[rows], manifest.facts["sha256"][rows]
    folds = draw_folds(labels, groups[rows], contents, fold.count, seed)
    check_folds(folds, labels, fold.count, manifest.class_names)
    codes = np.full(len(manifest), -1, np.int64)
    codes[rows] = SPLIT_NAMES.index("test")
    others = rows[folds != fold.number]
    wanted = (*(part / sum(fractions[:2]) for part in fractions[:2]), 0.0)
    codes[others] = _draw(manifest.labels[others], groups[others], manifest.facts["sha256"][others], wanted, seed)
    ids = {name: np.flatnonzero(codes == code) for code, name in enumerate(SPLIT_NAMES)}
    classes = np.where(alive & ~is_kept, manifest.labels, -1)
    return Splits(ids, _crossing(groups, codes), _crossing(groups, classes), fold=fold)


def _wanted(given: Collection[str], named: Mapping[str, bytes], fractions: Fractions | None) -> Fractions:
    """The fractions to draw, with 0 for a split that is given."""
    known = given | named.keys()
    wanted = dict(zip(SPLIT_NAMES, fractions or USUAL_FRACTIONS, strict=True))
    if not fractions and "validation" in known and "test" not in known:
        wanted["test"] = 0.0
    wanted |= {split: 0.0 for split in given if split != "train"}
    total = sum(wanted.values())
    return tuple(part / total for part in wanted.values())


def _why_drawn(split: str, named: Mapping[str, bytes]) -> str:
    if split in named:
        if not named[split]:  # a table, that names pictures
            return f"no picture of the {split} split can be read"
        return f"{one_line(named[split])}/ holds no class folder with a picture"
    return f"the data names no {split} split"


def content_groups(manifest: Manifest) -> np.ndarray:
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
        name = manifest.class_names[counts.argmin()]
        near = near_name(name, (other for other, count in zip(manifest.class_names, counts, strict=True) if count))
        raise UserError(
            f"class {name!r} has no picture to train on: every class needs at least one readable picture in the "
            "training split; add some, or remove the folder"
            + (f"; train has the class {near!r}: if that is the same, rename one of them" if near else "")
        )


def _crossing(groups: np.ndarray, marks: np.ndarray) -> np.ndarray:
    """The ids in groups that hold more than one mark; a negative mark is none."""
    used = np.flatnonzero(marks >= 0)
    pairs = np.unique(np.stack([groups[used], marks[used]], axis=1), axis=0)
    crossing = np.flatnonzero(np.bincount(pairs[:, 0]) > 1)
    return used[np.isin(groups[used], crossing)]
