"""Which folders name a split: those around the class folders, or those in each of them."""

import itertools
import os
import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from pathlib import Path

from base.errors import UserError, one_line
from pipeline.sources.entries import BESIDE_SPLITS, Aside, entries, holds_picture
from pipeline.sources.names import SPLIT_ALIASES, split_named


def split_folders(root: Path, top: Sequence[bytes]) -> dict[bytes, str]:
    """The split of each folder of `top`, in `root`, that is called as one.

    There are vehicles that are trains: where other folders lie beside one that is called so and holds no folder, it is
    no split.
    """
    splits = {name: split for name in top if (split := split_named(os.fsdecode(name)))}
    if len(splits) == len(top):
        return splits
    return {name: split for name, split in splits.items() if split != "train" or entries(root, name)[0]}


def splits_in_classes(root: Path, classes: Sequence[bytes], to_train: bool = True) -> list[tuple[bytes, bytes, str]]:
    """(class folder, split folder in it, split) where every class has one, to train on if that is asked; else none."""
    found = []
    for name in classes:
        inside = [(name, os.path.join(name, one), split) for one, split in _splits_in(root, name)]
        if not any(split == "train" or not to_train for *_, split in inside):
            return []  # mostly at the first class
        found += inside
    return found


def _splits_in(root: Path, folder: bytes) -> list[tuple[bytes, str]]:
    # Asked for by their names: to list a class folder takes as long as it has pictures.
    spelled = {way: split for name, split in SPLIT_ALIASES.items() for way in (name, name.capitalize(), name.upper())}
    place = os.path.join(os.fsencode(root), folder)
    return [(os.fsencode(name), split) for name, split in spelled.items()
            if os.path.isdir(os.path.join(place, os.fsencode(name)))]  # fmt: skip


def beside_splits(root: Path, classes: Iterable[bytes], used: Collection[bytes]) -> Aside:
    """What lies in the class folders beside their split folders, `used`."""
    aside = []
    for name in classes:
        folders, strays = entries(root, name)
        paths = [os.path.join(name, one) for one in folders]
        aside += [*strays, *((path, BESIDE_SPLITS) for path in paths if path not in used)]
    return tuple(aside)


def split_named_notes(classes: Iterable[bytes]) -> tuple[str, ...]:
    """A line a class that is called as a split, and may have been meant as one."""
    return tuple(
        f"'{one_line(name)}' is a class like the others, though it is called as a split: it holds no class folders"
        for name in classes
        if split_named(os.fsdecode(name))
    )


def check_split_folders(root: Path, top: Iterable[bytes], splits: dict[bytes, str]) -> Aside:
    """What beside the split folders is not used; raises UserError where that may be classes, and for two of a split."""
    strays = [name for name in top if name not in splits]
    if with_pictures := [name for name in strays if holds_picture(root, name)]:
        raise UserError(
            f"{str(root)!r} holds split folders and {os.fsdecode(with_pictures[0])!r} beside them: it must hold either "
            "class folders or split folders (train, validation, test)"
        )
    check_no_twin(root, splits)
    return tuple((name, BESIDE_SPLITS) for name in strays)


def check_no_twin(root: Path, splits: Mapping[bytes, str]) -> None:
    """Raises UserError where two folders are called as one split."""
    if len(set(splits.values())) < len(splits):
        raise UserError(f"{str(root)!r} holds two folders for one split: {listed(splits)}")


def check_no_split(root: Path, top: Iterable[bytes], splits: Iterable[bytes]) -> None:
    """Among classes one may be called test; one that holds the others' names again is a split."""
    for split, name in itertools.product(splits, top):
        if name not in splits and os.path.isdir(os.path.join(os.fsencode(root), split, name)):
            raise UserError(
                f"{str(root)!r} holds the class {os.fsdecode(name)!r} and, in {os.fsdecode(split)!r}, a folder of "
                "its name again, but no train: move the classes beside it into a folder called train"
            )
    meant = {split: name for name in top for split in _splits_meant(name) if entries(root, name)[0]}
    if "train" in meant and len(set(meant.values())) > 1:
        raise UserError(
            f"{str(root)!r} holds folders of folders that are called like splits, {listed(meant.values())}: rename "
            "them to train, validation and test; as they are, each would be one class"
        )


def _splits_meant(name: bytes) -> set[str]:
    """Of a name such as seg_train."""
    return set(filter(None, map(split_named, re.split(r"[\W\d_]+", os.fsdecode(name)))))


def listed(names: Iterable[bytes]) -> str:
    """Names of folders as text."""
    return ", ".join(map(one_line, names))
