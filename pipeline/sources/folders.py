"""Class folders, and split folders of class folders: the form in which every data set is read."""

import collections
import dataclasses
import itertools
import os
from collections.abc import Iterable
from pathlib import Path

from base.errors import UserError, one_line

# The names that data sets on the net give to their split folders.
SPLIT_FOLDERS = {"train": "train", "training": "train", "validation": "validation", "valid": "validation",
                  "val": "validation", "test": "test", "testing": "test"}  # fmt: skip
# Where the reports' data sets are looked for without --data_dir.
_USUAL_PLACES = {"realsense": "data/realsense", "catdog": "data/catdog_data"}


@dataclasses.dataclass(frozen=True)
class Folder:
    """A folder whose pictures, at any depth, all have one label; `split` is empty where the folders name none."""

    path: bytes
    label: int
    split: str = ""


@dataclasses.dataclass(frozen=True)
class Catalog:
    """The class folders of one data set, relative to the absolute `root`; class names stand by label, and
    `data_origin` is "real" or "synthetic"."""

    root: bytes
    class_names: tuple[str, ...]
    folders: tuple[Folder, ...]
    data_origin: str = "real"


def catalog_of_folder(root: Path) -> Catalog:
    """Class folders, or split folders (train, validation or val, test) of class folders.

    Labels follow the class names in byte order. Raises UserError for fewer than two classes.
    """
    _check_folder(root)
    top = _subfolders(root)
    lowered = {name: os.fsdecode(name).lower() for name in top}
    splits = {name: SPLIT_FOLDERS[lower] for name, lower in lowered.items() if lower in SPLIT_FOLDERS}
    if "train" in splits.values():
        _check_split_folders(root, top, splits)
        folders = [(os.path.join(s, name), name, splits[s]) for s in splits for name in _subfolders(root, s)]
    else:
        if top and len(splits) == len(top):
            raise UserError(f"{str(root)!r} holds {_listed(top)} and no train: a split folder to train on is needed")
        _check_no_split(root, top, splits)
        folders = [(name, name, "") for name in top]
    names = sorted({name for _, name, _ in folders})
    if len(names) < 2:
        found = f"one class folder ({os.fsdecode(names[0])!r})" if names else "no class folder"
        raise UserError(f"{str(root)!r} holds {found}: it must hold two or more folders of pictures, one a class")
    shown = tuple(map(one_line, names))  # also exported and used as column titles, so real text, of one line
    twin, count = collections.Counter(shown).most_common(1)[0]
    if count > 1:
        raise UserError(f"{str(root)!r} holds two folders that are both shown as {twin!r}: rename one of them")
    labels = {name: label for label, name in enumerate(names)}
    found = tuple(Folder(path, labels[name], split) for path, name, split in sorted(folders))
    return Catalog(os.fsencode(root.absolute()), shown, found)


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


def _check_folder(root: Path) -> None:
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


def _listed(names: Iterable[bytes]) -> str:
    return ", ".join(map(one_line, names))


def _subfolders(root: Path, relative: bytes = b"") -> list[bytes]:
    folder = os.path.join(os.fsencode(root), relative)
    with os.scandir(folder) as entries:
        found = [entry for entry in entries if not entry.name.startswith(b".") and entry.is_dir()]
    for entry in found:
        if entry.is_symlink():
            _check_link(entry.path, os.path.realpath(folder))
    return sorted(entry.name for entry in found)


def _check_link(link: bytes, folder: bytes) -> None:
    """A class may be a link to another place, but not to one that holds the classes: each picture would be there twice,
    under two labels."""
    target = os.path.realpath(link)
    if os.path.commonpath([target, folder]) == target:
        raise UserError(
            f"{os.fsdecode(link)!r} is a link to {os.fsdecode(target)!r}, in which it lies itself: every picture would "
            "count twice; take the link away, or give a folder without it"
        )
