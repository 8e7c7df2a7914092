"""Class folders, and split folders of class folders: the form in which every data set is read."""

import collections
import dataclasses
import itertools
import os
from collections.abc import Iterable
from pathlib import Path

from base.errors import UserError, one_line
from pipeline.sources.labels_csv import LabelTable, read_labels
from pipeline.sources.names import SPLIT_ALIASES, SYSTEM_FOLDERS, class_name, loose
from pipeline.sources.picture_like import is_picture_name

# Where the reports' data sets are looked for without --data_dir.
_USUAL_PLACES = {"realsense": "data/realsense", "catdog": "data/catdog_data"}

IN_SYSTEM_FOLDER = "folders of the system's, not of yours"
IN_NO_CLASS = "pictures that lie in no class folder"
NO_PICTURE = "no pictures, by their names, and beside the class folders"
BESIDE_SPLITS = "folders beside the split folders"
NO_CLASS_FOLDER = "split folders that hold no class folder"

# What lies in a data folder and is not used, with the reason.
Aside = tuple[tuple[bytes, str], ...]


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
    splits = {name: SPLIT_ALIASES[lower] for name in top if (lower := os.fsdecode(name).lower()) in SPLIT_ALIASES}
    if "train" in splits.values():
        _check_split_folders(root, top, splits)
        folders = []
        for name, split in splits.items():
            classes, strays = entries(root, name)
            folders += [(os.path.join(name, one), class_name(one), split) for one in classes]
            aside += strays if classes else [*strays, (name, NO_CLASS_FOLDER)]
    else:
        if top and len(splits) == len(top):
            raise UserError(f"{str(root)!r} holds {_listed(top)} and no train: a split folder to train on is needed")
        _check_no_split(root, top, splits)
        folders, splits = [(name, class_name(name), "") for name in top], {}
    names = tuple(sorted({name for _, name, _ in folders}, key=str.encode))
    if len(names) < 2:
        found = f"one class folder ({names[0]!r})" if names else "no class folder"
        raise UserError(
            f"{str(root)!r} holds {found}: it must hold two or more folders of pictures, one a class"
            + _hint_of_table(root, aside)
        )
    notes = (*_merge_notes(root, folders), *near_notes(names))
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
    return Catalog(os.fsencode(root.absolute()), names, (Folder(b"", 0),), "real", named, (), near_notes(names), labels)


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


def _check_split_folders(root: Path, top: Iterable[bytes], splits: dict[bytes, str]) -> None:
    strays = [name for name in top if name not in splits]
    if strays:
        raise UserError(
            f"{str(root)!r} holds split folders and {os.fsdecode(strays[0])!r} beside them: it must hold either class "
            "folders or split folders (train, validation, test)"
        )
    if len(set(splits.values())) < len(splits):
        raise UserError(f"{str(root)!r} holds two folders for one split: {_listed(splits)}")


def _check_no_split(root: Path, top: Iterable[bytes], splits: Iterable[bytes]) -> None:
    """Among classes one may be called test; one that holds the others' names again is a split."""
    for split, name in itertools.product(splits, top):
        if name not in splits and os.path.isdir(os.path.join(os.fsencode(root), split, name)):
            raise UserError(
                f"{str(root)!r} holds the class {os.fsdecode(name)!r} and, in {os.fsdecode(split)!r}, a folder of "
                "its name again, but no train: move the classes beside it into a folder called train"
            )


def _merge_notes(root: Path, folders: list[tuple[bytes, str, str]]) -> list[str]:
    """A note a class whose name is spelled in several ways; raises UserError where two of them are in one split."""
    seen, spellings = {}, collections.defaultdict(dict)
    for path, name, split in folders:
        other = seen.setdefault((name, split), path)
        if other != path:
            raise UserError(
                f"{str(root)!r} holds two folders that are both shown as {name!r}, {_escaped(other)} and "
                f"{_escaped(path)}: rename one of them"
            )
        spellings[name].setdefault(os.path.basename(path), path)
    return [
        f"{name!r} is one class, though Unicode spells its folders in two ways: {' and '.join(map(_escaped, ways))}"
        for name, ways in ((name, ways.values()) for name, ways in spellings.items())
        if len(ways) > 1
    ]


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
    return tuple(
        f"classes {', '.join(map(repr, near))} differ by case or blanks only, and count as {len(near)} classes"
        for near in groups.values()
        if len(near) > 1
    )


def _escaped(path: bytes) -> str:
    return ascii(os.fsdecode(path))


def _listed(names: Iterable[bytes]) -> str:
    return ", ".join(map(one_line, names))


def entries(root: Path, relative: bytes = b"") -> tuple[list[bytes], list[tuple[bytes, str]]]:
    """(the names of the folders, what else is there and is not used); hidden entries are passed over."""
    folder, folders, aside = os.path.join(os.fsencode(root), relative), [], []
    with os.scandir(folder) as listed:
        found = sorted((entry for entry in listed if not entry.name.startswith(b".")), key=lambda entry: entry.name)
    for entry in found:
        if not entry.is_dir():
            aside.append(
                (os.path.join(relative, entry.name), IN_NO_CLASS if is_picture_name(entry.name) else NO_PICTURE)
            )
        elif entry.name.lower() in SYSTEM_FOLDERS:
            aside.append((os.path.join(relative, entry.name), IN_SYSTEM_FOLDER))
        else:
            if entry.is_symlink():
                _check_link(entry.path, os.path.realpath(folder))
            folders.append(entry.name)
    return folders, aside


def _check_link(link: bytes, folder: bytes) -> None:
    """A class may be a link to another place, but not to one that holds the classes: each picture would be there twice,
    under two labels."""
    target = os.path.realpath(link)
    if os.path.commonpath([target, folder]) == target:
        raise UserError(
            f"{os.fsdecode(link)!r} is a link to {os.fsdecode(target)!r}, in which it lies itself: every picture would "
            "count twice; take the link away, or give a folder without it"
        )
