"""A data set's name -> where its pictures are and what their classes are called. Reads folder names, not pictures."""

import os
from pathlib import Path

from base import locks
from base.errors import UserError, unknown_name
from base.splits import SPLIT_NAMES
from base.watch import SILENT, Watch
from pipeline.sources import tfds_source
from pipeline.sources.folders import Catalog, Folder, catalog_of_folder, catalog_of_table, check_outside, data_folder
from rendered import faces as synthetic

DATASET_FORMS = ("realsense", "catdog", "folder:PATH", "tfds:NAME")
REALSENSE_FOLDERS = synthetic.FOLDERS
_CATDOG_NAMES = ("cats", "dogs")


def open_catalog(dataset: str, data_dir: str, cache_dir: Path, watch: Watch = SILENT, labels_csv: str = "") -> Catalog:
    """Finds the class folders of `dataset`, one of DATASET_FORMS, or its pictures that a table gives labels.

    `data_dir` may be empty for the data set's usual place, `labels_csv` where there is no table. Raises UserError where
    there are no pictures, and how to get them, and where `cache_dir` cannot be a folder.
    """
    check_outside("--cache_dir", cache_dir, dataset, data_dir)
    _check_folder(cache_dir)
    name, _, argument = dataset.partition(":")
    root = Path(data_folder(dataset, data_dir))
    if labels_csv and name != "folder":
        raise UserError(
            f"--labels_csv={labels_csv}: --dataset={dataset} has its own labels; give --dataset=folder:PATH"
        )
    if dataset == "realsense":
        return _open_realsense(root, bool(data_dir), cache_dir, watch)
    if dataset == "catdog":
        return _open_catdog(root)
    if name == "folder" and argument:
        if data_dir:
            raise UserError(
                f"--data_dir={data_dir}: --dataset={dataset} names the folder already; leave one of them out"
            )
        return catalog_of_table(root, Path(labels_csv)) if labels_csv else catalog_of_folder(root)
    if name == "tfds" and argument:
        return tfds_source.open_builder(argument, data_dir, cache_dir, watch)
    if name in ("folder", "tfds"):
        what = "a folder, as in folder:pictures" if name == "folder" else "a builder, as in tfds:cats_vs_dogs"
        raise UserError(f"--dataset={dataset}: the name must be followed by a colon and {what}")
    found = "it is a file" if os.path.isfile(dataset) else "no folder is called so"
    raise unknown_name("dataset", dataset, DATASET_FORMS, f"{found}; a folder of your own is --dataset=folder:PATH")


def _check_folder(cache_dir: Path) -> None:
    """A cache that may only be read, or is full, is no mistake: it may hold what is needed, or a run does without."""
    try:
        cache_dir.mkdir(parents=True, exist_ok=True)
    except (FileExistsError, NotADirectoryError) as error:
        raise UserError(
            f"--cache_dir={cache_dir} cannot be a folder ({error.strerror}): indexes and packs are kept there; give "
            "another folder"
        ) from None
    except OSError:
        pass


def _open_realsense(root: Path, asked_for: bool, cache_dir: Path, watch: Watch) -> Catalog:
    present = [folder for folder in REALSENSE_FOLDERS.values() if (root / folder).is_dir()]
    missing = [folder for folder in REALSENSE_FOLDERS.values() if folder not in present]
    if present and missing:
        raise UserError(f"{str(root)!r} has {present[0]!r} but not {missing[0]!r}: all three folders are needed")
    if asked_for and missing:
        raise UserError(
            f"--data_dir={root} does not hold {missing[0]!r}: give the folder that holds the three real_sense_* "
            "folders, or leave the flag out to train on rendered faces"
        )
    if missing:
        root = cache_dir / f"synthetic-faces-{synthetic.SYNTHETIC_VERSION}"
        locks.make_once(root, lambda: synthetic.write_synthetic_faces(root), watch)
    folders = tuple(Folder(os.fsencode(folder), label) for label, folder in enumerate(REALSENSE_FOLDERS.values()))
    origin = "synthetic" if missing else "real"
    return Catalog(os.fsencode(root.absolute()), tuple(REALSENSE_FOLDERS), folders, origin)


def _open_catdog(root: Path) -> Catalog:
    folders = {root / split / name: Folder(os.fsencode(f"{split}/{name}"), label, split)
               for split in SPLIT_NAMES for label, name in enumerate(_CATDOG_NAMES)}  # fmt: skip
    if missing := [folder for folder in folders if not folder.is_dir()]:
        raise UserError(
            f"no cat and dog pictures: {str(missing[0])!r} is not a folder; put them under --data_dir as "
            "{train,validation,test}/{cats,dogs}, or use any class folders with --dataset=folder:PATH, or let "
            "TensorFlow Datasets download them with --dataset=tfds:cats_vs_dogs --model=catdog_2"
        )
    return Catalog(os.fsencode(root.absolute()), _CATDOG_NAMES, tuple(folders.values()))
