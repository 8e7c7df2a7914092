"""The seal of an exported SavedModel: its files and their checksums, checked before TensorFlow sees any of them.

A SavedModel is a program, and to load it is to run parts of it: what no run exported, or what has changed since, is
refused before that. The seal is against mistakes and damage. Whoever can write a model can write its seal, so it makes
no stranger's model safe.
"""

import json
from pathlib import Path

from base import durable
from base.errors import UserError

FORMAT_VERSION = 1
# TensorFlow and its Serving leave what is in this folder to others.
SEAL = Path("assets.extra") / "penstock.json"


def write_seal(folder: Path) -> None:
    """Seals the SavedModel in `folder` as it is now; raises OSError where it cannot be written."""
    durable.write_json(folder / SEAL, {"format": FORMAT_VERSION, "sha256": _checksums(folder)})


def check_seal(folder: Path) -> None:
    """Raises UserError where the SavedModel in `folder` has no seal, or is not what was sealed."""
    try:
        seal = json.loads((folder / SEAL).read_text())
        known, sealed = seal["format"] == FORMAT_VERSION, dict(seal["sha256"])
        found = _checksums(folder)
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise UserError(
            f"{str(folder)!r} is not a SavedModel that Penstock exported ({SEAL}: {_first_line(error)}): a SavedModel "
            "is a program, and no other is loaded"
        ) from None
    if not known:
        raise UserError(f"{str(folder)!r} was exported by another version of Penstock: predict with that one")
    changed = sorted(name for name in sealed if sealed[name] != found.get(name))
    if changed:
        raise UserError(
            f"{str(folder)!r} is not as it was exported ({changed[0]!r} differs): copy it again, whole, or delete it "
            "and give the run's train.py command again, which exports it anew"
        )
    strange = sorted(found.keys() - sealed.keys())
    if strange:
        raise UserError(f"{str(folder)!r} holds {strange[0]!r}, which was not exported with it: take that out")


def _checksums(folder: Path) -> dict[str, str]:
    """SHA-256 by relative path, of every file but those that are others' to add: hidden ones are the file browsers'."""
    paths = {path.relative_to(folder): path for path in folder.rglob("*") if path.is_file()}
    return {
        name.as_posix(): durable.sha256_file(path)
        for name, path in sorted(paths.items())
        if name.parts[0] != SEAL.parts[0] and not any(part.startswith(".") for part in name.parts)
    }


def _first_line(error: Exception) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0]
