"""Class folders, and split folders of class folders: the form in which every data set is read."""

import collections
import dataclasses
import os
from collections.abc import Iterable
from pathlib import Path

from base.errors import UserError, one_line
from pipeline.sources.entries import Aside, entries
from pipeline.sources.labels_csv import LabelTable, read_labels
from pipeline.sources.names import class_name, loose
from pipeline.sources.split_folders import (
    beside_splits,
    check_no_split,
    check_split_folders,
    listed,
    split_folders,
    split_named_notes,
    splits_in_classes,
)

# Where the reports' data sets are looked for without --data_dir.
_USUAL_PLACES = {"realsense": "data/realsense", "catdog": "data/catdog_data"}

NO_CLASS_FOLDER = "split folders that hold no class folder"
_MOST_NOTES = 3  # of one kind


@dataclasses.dataclass(frozen=True)
class Folder:
    """A folder whose pictures, at any depth, all have one label; `split` is empty where the folders name none."""

    path: bytes
    label: int
    split: str = ""


@dataclasses.dataclass(frozen=True)
class Catalog:
    """The class folders of one data set.

    Attributes:
      root: absolute; all paths are relative to it.
      class_names: by label.
      folders: where the pictures are.
      data_origin: "real" or "synthetic".
      named_splits: (split, its folder) of those that have a folder, whether it holds a class or not.
      aside: what beside the class folders is not used, and why.
      notes: what a user should know of the names, a line each.
      table: says what the pictures under `root` show, where no class folders do.
    """

    root: bytes
    class_names: tuple[str, ...]
    folders: tuple[Folder, ...]
    data_origin: str = "real"
    named_splits: tuple[tuple[str, bytes], ...] = ()
    aside: Aside = ()
    notes: tuple[str, ...] = ()
    table: LabelTable | None = None


def catalog_of_folder(root: Path) -> Catalog:
    """Class folders, or split folders (train, validation or val, test) of class folders.

    Names that differ only in how Unicode spells them are one class, whose name is in its composed form (NFC). Labels
    follow the class names in byte order. Raises UserError for fewer than two classes.
    """
    check_folder(root)
    top, aside = entries(root)
    splits, notes = split_folders(root, top), ()
    if "train" in splits.values():
        aside += check_split_folders(root, top, splits)
        folders = []
        for name, split in splits.items():
            classes, strays = entries(root, name)
            folders += [(os.path.join(name, one), class_name(one), split) for one in classes]
            aside += strays if classes else [*strays, (name, NO_CLASS_FOLDER)]
    elif inside := splits_in_classes(root, top):
        folders = [(path, class_name(name), split) for name, path, split in inside]
        aside += beside_splits(root, top, [path for path, _, _ in folders])
        splits = {os.path.basename(path): split for _, path, split in inside}
        notes = (f"the splits are the folders in each class folder, as '{one_line(inside[0][1])}'",)
    else:
        if top and len(splits) == len(top):
            raise UserError(f"{str(root)!r} holds {listed(top)} and no train: a split folder to train on is needed")
        check_no_split(root, top, splits)
        notes = split_named_notes(top)
        folders, splits = [(name, class_name(name), "") for name in top], {}
    names = tuple(sorted({name for _, name, _ in folders}, key=str.encode))
    if len(names) < 2:
        found = f"one class folder ({names[0]!r})" if names else "no class folder"
        raise UserError(
            f"{str(root)!r} holds {found}: it must hold two or more folders of pictures, one a class"
            + (_hint_of_inner(root) or _hint_of_table(root, aside))
        )
    notes = (*notes, *_merge_notes(root, folders), *near_notes(names))
    labels = {name: label for label, name in enumerate(names)}
    found = tuple(Folder(path, labels[name], split) for path, name, split in sorted(folders))
    named = tuple(sorted((split, name) for name, split in splits.items()))
    return Catalog(os.fsencode(root.absolute()), names, found, "real", named, tuple(sorted(aside)), notes)


def catalog_of_table(root: Path, table: Path) -> Catalog:
    """The pictures under `root`, at any depth, of which `table` says what they show; raises UserError for a bad one."""
    check_folder(root)
    labels = read_labels(table, root)
    if len(labels.class_names) < 2:
        raise UserError(
            f"--labels_csv={table} has one label, {labels.class_names[0]!r}: a classifier needs two or more"
        )
    named = tuple(sorted({(row.split, b"") for row in labels.rows.values() if row.split}))
    names = labels.class_names
    notes = (*labels.notes, *near_notes(names))
    return Catalog(os.fsencode(root.absolute()), names, table_folders(root), "real", named, (), notes, labels)


def table_folders(root: Path) -> tuple[Folder, ...]:
    """Where the pictures of a table are looked for: the data folder, and those that it has links to."""
    linked = [name for name in entries(root)[0] if os.path.islink(os.path.join(os.fsencode(root), name))]
    return (Folder(b"", 0), *(Folder(name, 0) for name in linked))


def data_folder(dataset: str, data_dir: str) -> str:
    """Where the pictures of `dataset` are looked for: `data_dir`, or the folder that it names, or its usual place.

    Empty for a builder of TFDS without `data_dir`. Faces that are rendered, and what TFDS gives, are in the cache.
    """
    kind, _, folder = dataset.partition(":")
    return data_dir or (folder if kind == "folder" else _USUAL_PLACES.get(dataset, ""))


def check_outside(what: str, path: Path, dataset: str, data_dir: str) -> None:
    """Raises UserError, which begins with `what`, where something written to `path` would become a class or a picture
    of `dataset`, or of the data set in `data_dir`; hidden folders do not."""
    root = data_folder(dataset, data_dir)
    if not root or "\0" in root:  # such a one does not exist
        return
    parts = Path(os.path.relpath(os.path.realpath(path), os.path.realpath(root))).parts
    if parts[:1] != ("..",) and not any(part.startswith(".") for part in parts):
        raise UserError(
            f"{what} {str(path)!r} lies in the data folder {root!r}, where every folder is a class: give another place"
        )


def check_folder(root: Path) -> None:
    """Raises UserError where `root` is no folder, or cannot be read."""
    if not root.is_dir():
        what = "is a file" if root.exists() else "does not exist"
        raise UserError(f"{str(root)!r} {what}: --dataset=folder:PATH needs a folder of class folders")
    try:
        os.scandir(root).close()
    except OSError as error:
        raise UserError(f"{str(root)!r} cannot be read: {error.strerror}; check its permissions") from None


def _merge_notes(root: Path, folders: list[tuple[bytes, str, str]]) -> tuple[str, ...]:
    """A note a class whose name is spelled in several ways; raises UserError where two of them are in one split."""
    seen, spellings = {}, collections.defaultdict(dict)
    for path, name, split in folders:
        other = seen.setdefault((name, split), path)
        if other != path:
            raise UserError(
                f"{str(root)!r} holds two folders that are both shown as {name!r}, {_escaped(other)} and "
                f"{_escaped(path)}: rename one of them"
            )
        spellings[name].setdefault(next(part for part in path.split(b"/") if class_name(part) == name), path)
    return _few(
        f"{name!r} is one class, though Unicode spells its folders in two ways: {' and '.join(map(_escaped, ways))}"
        for name, ways in ((name, ways.values()) for name, ways in spellings.items())
        if len(ways) > 1
    )


def _hint_of_inner(root: Path) -> str:
    """Archives often hold one folder with all the others in it."""
    inner = root
    while len(folders := entries(inner)[0]) == 1:
        inner = inner / os.fsdecode(folders[0])
    if inner == root or not folders:
        return ""
    return f"; those that {str(inner)!r} holds may be meant: --dataset=folder:{inner}"


def _hint_of_table(root: Path, aside: Iterable[tuple[bytes, str]]) -> str:
    tables = [path for path, _ in aside if path.lower().endswith((b".csv", b".tsv"))]
    if not tables:
        return "; labels of pictures that lie in one folder can come from a table, with --labels_csv"
    return f"; if a table says what the pictures show: --labels_csv={root / os.fsdecode(tables[0])}"


def near_notes(names: Iterable[str]) -> tuple[str, ...]:
    """A line a group of class names that a reader may take for one."""
    groups = collections.defaultdict(list)
    for name in names:
        groups[loose(name)].append(name)
    return _few(
        f"classes {', '.join(map(repr, near))} differ by case, blanks or the like only, and count as {len(near)}"
        for near in groups.values()
        if len(near) > 1
    )


def _few(notes: Iterable[str]) -> tuple[str, ...]:
    """The first of some notes of one kind, and how many more there are."""
    notes = tuple(notes)
    rest = len(notes) - _MOST_NOTES
    return notes if rest <= 1 else (*notes[:_MOST_NOTES], f"and so it is with {rest} other names of classes")


def _escaped(path: bytes) -> str:
    return ascii(os.fsdecode(path))
