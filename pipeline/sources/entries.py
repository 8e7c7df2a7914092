"""What lies in a folder of the user's, told apart: folders that may be classes or splits, and what is not used."""

import os
from pathlib import Path

from base.errors import UserError
from pipeline.sources.names import SYSTEM_FOLDERS
from pipeline.sources.picture_like import is_picture_name

IN_SYSTEM_FOLDER = "folders of the system's, not of yours"
IN_NO_CLASS = "pictures that lie in no class folder"
NO_PICTURE = "no pictures, by their names, and beside the class folders"
BESIDE_SPLITS = "folders beside the split folders"
LEADS_NOWHERE = "links that lead nowhere"

# What lies in a data folder and is not used, with the reason.
Aside = tuple[tuple[bytes, str], ...]


def entries(root: Path, relative: bytes = b"") -> tuple[list[bytes], list[tuple[bytes, str]]]:
    """(the names of the folders, what else is there and is not used); hidden entries are passed over."""
    folder, folders, aside = os.path.join(os.fsencode(root), relative), [], []
    with os.scandir(folder) as listed:
        found = sorted((entry for entry in listed if not entry.name.startswith(b".")), key=lambda entry: entry.name)
    for entry in found:
        if not entry.is_dir():
            aside.append((os.path.join(relative, entry.name), _why_aside(entry)))
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


def _why_aside(entry: os.DirEntry) -> str:
    if entry.is_symlink() and not os.path.exists(entry.path):
        return LEADS_NOWHERE
    return IN_NO_CLASS if is_picture_name(entry.name) else NO_PICTURE


def holds_picture(root: Path, relative: bytes) -> bool:
    """Whether a file at any depth of a folder is called as pictures are."""
    return any(is_picture_name(name) for _, _, names in os.walk(os.path.join(os.fsencode(root), relative))
               for name in names)  # fmt: skip
