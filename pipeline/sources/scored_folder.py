"""A folder of pictures to be scored: of any split, of any number of classes, with nothing in it to train on."""

import dataclasses
import os
from collections.abc import Collection, Sequence
from pathlib import Path

from base.errors import UserError, one_line
from pipeline.sources.entries import BESIDE_SPLITS, IN_NO_CLASS, Aside, entries
from pipeline.sources.folders import NO_CLASS_FOLDER, Catalog, Folder, check_folder, table_folders
from pipeline.sources.labels_csv import read_labels
from pipeline.sources.names import class_name, split_named
from pipeline.sources.split_folders import beside_splits, check_no_twin, splits_in_classes


@dataclasses.dataclass(frozen=True)
class ScoredFolder:
    """`catalog` of the pictures of `split`, which is empty where the folder names none and all of it is meant."""

    catalog: Catalog
    split: str


def find_scored(root: Path, split: str, known: Collection[str], labels_csv: str = "") -> ScoredFolder:
    """The class folders under `root` of a split: `split`, or test where it is empty and there is one.

    A folder that is called as one of the `known` classes is that class, whatever its name. Raises UserError where there
    is no class folder, or it is open which split is meant.
    """
    check_folder(root)
    if labels_csv:
        return _of_table(root, Path(labels_csv), split)
    top, aside = entries(root)
    named = {name: stands for name in top
             if class_name(name) not in known and (stands := split_named(os.fsdecode(name)))}  # fmt: skip
    inside = {name: entries(root, name) for name in named}
    there = {named[name]: name for name, (folders, _) in inside.items() if folders}
    if there:
        check_no_twin(root, named)
        split = _choose(root, split, list(there))
        aside = [*aside, *((name, BESIDE_SPLITS) for name in top if name not in named)]
        folders, strays = inside[there[split]]
        for name in sorted(named.keys() - there.values()):  # a user may believe that these are scored
            aside += [*inside[name][1], (name, NO_CLASS_FOLDER)]
        return _found(
            root, [(os.path.join(there[split], name), class_name(name)) for name in folders], split, (*aside, *strays)
        )
    if named and len(named) == len(top):
        return _found(root, [], "", (*aside, *(stray for _, strays in inside.values() for stray in strays)))
    if in_classes := splits_in_classes(root, top, to_train=False):
        split = _choose(root, split, sorted({one for *_, one in in_classes}))
        strays = beside_splits(root, top, [path for _, path, _ in in_classes])
        chosen = [(path, class_name(name)) for name, path, one in in_classes if one == split]
        return _found(root, chosen, split, (*aside, *strays))
    if split:
        raise UserError(f"--split={split}: {str(root)!r} holds no split folders; leave the flag out to score all of it")
    return _found(root, [(name, class_name(name)) for name in top], "", tuple(aside))


def _found(root: Path, folders: Sequence[tuple[bytes, str]], split: str, aside: Aside) -> ScoredFolder:
    names = tuple(sorted({name for _, name in folders}, key=str.encode))
    if not names:
        loose = next((path for path, reason in aside if reason == IN_NO_CLASS), None)
        holds = f" but {one_line(loose)!r} and the like" if loose else ""
        raise UserError(
            f"{str(root)!r} holds no class folder{holds}: a score needs pictures in folders "
            "named as the run's classes, or --labels_csv; predict.py classifies pictures that have no label"
        )
    found = tuple(Folder(path, names.index(name), split) for path, name in sorted(folders))
    return ScoredFolder(Catalog(os.fsencode(root.absolute()), names, found, aside=tuple(sorted(aside))), split)


def _choose(root: Path, split: str, there: list[str]) -> str:
    if not split and ("test" in there or len(there) == 1):
        return "test" if "test" in there else there[0]
    if split not in there:
        asked = f"--split={split}: " if split else ""
        raise UserError(
            f"{asked}{str(root)!r} holds the splits {', '.join(sorted(there))}: say with --split which to score"
        )
    return split


def _of_table(root: Path, path: Path, split: str) -> ScoredFolder:
    table = read_labels(path, root)
    there = sorted({row.split for row in table.rows.values()} - {""})
    if there:
        split = _choose(root, split, there)
        rows = {name: row for name, row in table.rows.items() if row.split == split}
        table = dataclasses.replace(table, rows=rows)
    elif split:
        raise UserError(
            f"--split={split}: --labels_csv={path} has no column split; leave the flag out to score all of it"
        )
    root_bytes = os.fsencode(root.absolute())
    return ScoredFolder(Catalog(root_bytes, table.class_names, table_folders(root), table=table), split)
