"""Our packages are imported from this checkout, whatever else has their names: base, models and training are words that
many folders are called.

The scripts run this file by its place, since another package may be called cli too; it imports Python's own modules
only.
"""

import importlib
import os
import sys
from importlib.machinery import ModuleSpec, PathFinder

ROOT = os.path.dirname(os.path.dirname(os.path.realpath(__file__)))


def run(script: str) -> None:
    """Runs the script that cli/`script`.py describes; see `cli.start.run`."""
    come_first()
    importlib.import_module("cli.start").run(script)


def come_first() -> None:
    """From now on a name of ours means our package; another of that name that is loaded already is forgotten.

    Neither Python's path nor its options decide: a folder in PYTHONPATH, an installed package, PYTHONSAFEPATH.
    """
    ours = {entry.name for entry in os.scandir(ROOT) if os.path.isfile(os.path.join(entry.path, "__init__.py"))}
    for name in [name for name in sys.modules if name.partition(".")[0] in ours]:
        origin = getattr(getattr(sys.modules[name], "__spec__", None), "origin", None) or ""
        if not os.path.realpath(origin).startswith(os.path.join(ROOT, name.partition(".")[0], "")):
            del sys.modules[name]
    sys.meta_path.insert(0, _Finder(ours))


class _Finder:
    """A finder of the packages that are called `names`, in the checkout."""

    def __init__(self, names: set[str]):
        self._names = names

    def find_spec(self, name: str, path=None, target=None) -> ModuleSpec | None:
        """See importlib.abc.MetaPathFinder; what lies in a package is found by its path."""
        return PathFinder.find_spec(name, [ROOT]) if name in self._names else None
