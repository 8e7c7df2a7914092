"""Paths as users write them on the command line, and where the cache is."""

import os
from pathlib import Path

from absl import flags

from base.errors import UserError
from cli.streams import put
from pipeline.sources.catalog import DATASET_FORMS

_KINDS = tuple(form.partition(":")[0] for form in DATASET_FORMS if ":" in form)


def expand_home(text: str) -> str:
    """A path, or a folder:PATH, with its ~ expanded.

    Shells leave the ~ of --run_dir=~/x as it is, and a folder called ~ is one that somebody removes with his home.
    """
    kind, colon, path = text.rpartition("folder:")
    return kind + colon + os.path.expanduser(path)


def absolute(text: str) -> str:
    """A path, or a hub:PATH, that means the same wherever a program is."""
    kind, path = ("hub:", text.removeprefix("hub:")) if text.startswith("hub:") else ("", text)
    return kind + os.path.abspath(expand_home(path))


def dataset_of(text: str) -> str:
    """--dataset, where a folder of the user's is folder:PATH, whether that was said or not, with an absolute path.

    A data set's own name wins over a folder that is called so, which is said.
    """
    kind, colon, place = text.partition(":")
    is_folder = os.path.isdir(path := os.path.expanduser(text))
    if text in DATASET_FORMS:
        if is_folder:
            put(f"dataset     {text} is the data set of that name; the folder {text!r} is --dataset=folder:{text}")
        return text
    if is_folder and not (colon and kind in _KINDS):
        return f"folder:{os.path.abspath(path)}"
    return f"folder:{absolute(place)}" if kind == "folder" and place else expand_home(text)


def path_of(text: str) -> Path:
    """A flag's value as a path."""
    return Path(expand_home(text))


def define_cache_dir(values: flags.FlagValues) -> None:
    """--cache_dir."""
    flags.DEFINE_string(
        "cache_dir", None, "where indexes and packs are kept; the default is ~/.cache/penstock", flag_values=values
    )


def cache_arguments(values: flags.FlagValues) -> tuple[str, ...]:
    """--cache_dir as it was given, for another of our scripts."""
    return (f"--cache_dir={os.path.abspath(path_of(values.cache_dir))}",) if values.cache_dir else ()


def cache_dir(text: str | None) -> Path:
    """--cache_dir, or $XDG_CACHE_HOME/penstock, or ~/.cache/penstock (XDG Base Directory Specification).

    Raises UserError where there is no home, as for a user number without an account in a container.
    """
    if text:
        return path_of(text)
    try:
        return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "penstock"
    except RuntimeError:
        raise UserError("no home folder is known to keep indexes and packs in: give --cache_dir, or set HOME") from None
