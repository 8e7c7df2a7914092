"""Paths as users write them on the command line, and where the cache is."""

import os
from pathlib import Path

from absl import flags

from base.errors import UserError


def expand_home(text: str) -> str:
    """A path, or a folder:PATH, with its ~ expanded.

    Shells leave the ~ of --run_dir=~/x as it is, and a folder called ~ is one that somebody removes with his home.
    """
    kind, colon, path = text.rpartition("folder:")
    return kind + colon + os.path.expanduser(path)


def path_of(text: str) -> Path:
    """A flag's value as a path."""
    return Path(expand_home(text))


def define_cache_dir(values: flags.FlagValues) -> None:
    """--cache_dir."""
    flags.DEFINE_string(
        "cache_dir", None, "where indexes and packs are kept; the default is ~/.cache/penstock", flag_values=values
    )


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
