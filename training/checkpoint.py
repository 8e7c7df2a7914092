"""Checkpoints: one integer, all variables by position, and the history. Whole, checked, newest valid one wins.

No iterator state: the step says which examples come next and how they are augmented. A checkpoint is a folder
`step-00000123` with `variables.npz` (plain arrays, no pickle) and `state.json`, which holds the checksum of the first
and its own.
"""

import dataclasses
import hashlib
import json
import re
import shutil
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np

from base import durable, kill_points

FORMAT_VERSION = 2
_NAME = re.compile(r"step-(\d{8,})$")


@dataclasses.dataclass(frozen=True)
class Checkpoint:
    """The state after `step` optimizer updates.

    Attributes:
      step: updates done.
      history: a dict an epoch, as in history.csv.
      identity: what the run is a function of (options, manifest, threads, versions); must agree to be resumed.
      arrays: the variables, by position.
    """

    step: int
    history: list[dict]
    identity: dict
    arrays: list[np.ndarray]


def save_checkpoint(folder: Path, checkpoint: Checkpoint, variables: Sequence) -> None:
    """Writes `folder/step-N`, whole or not at all; raises OSError where the disk is full."""
    with durable.whole_directory(folder / f"step-{checkpoint.step:08d}") as temporary:
        arrays = {f"{position:05d}": array for position, array in enumerate(checkpoint.arrays)}
        content = durable.encode_arrays(arrays)
        (temporary / "variables.npz").write_bytes(content)
        kill_points.reach("checkpoint.variables")
        state = {
            "format": FORMAT_VERSION,
            "step": checkpoint.step,
            "history": checkpoint.history,
            "identity": checkpoint.identity,
            "variables": describe(variables),
            "variables_sha256": hashlib.sha256(content).hexdigest(),
        }
        (temporary / "state.json").write_text(json.dumps(state | {"sha256": _sha256(state)}, indent=2, allow_nan=False))


class DamagedError(Exception):
    """There are checkpoints, and none of them can be used."""


def load_newest(folder: Path, say: Callable[[str], None]) -> Checkpoint | None:
    """The newest checkpoint in `folder` that is whole; damaged ones are named through `say` and passed over.

    None where there is none. Raises DamagedError where there are some, but no whole one.
    """
    reasons = []
    for step in sorted(_steps(folder), reverse=True):
        path = folder / f"step-{step:08d}"
        try:
            return load_checkpoint(path)
        except (OSError, ValueError) as error:
            reasons.append(f"{path.name}: {error}")
            say(f"checkpoint {path.name} is damaged ({error}): trying the one before it")
    if reasons:
        raise DamagedError(f"none of the {len(reasons)} checkpoints in {str(folder)!r} can be used; {reasons[0]}")
    return None


def load_checkpoint(path: Path) -> Checkpoint:
    """Raises OSError or ValueError where anything in it is missing or is not what was written."""
    state = json.loads((path / "state.json").read_text())
    said = state.pop("sha256", None) if isinstance(state, dict) else None
    if not said or said != _sha256(state):
        raise ValueError("state.json does not have its checksum")
    if state["format"] != FORMAT_VERSION:
        raise ValueError(f"format {state['format']}, this program reads {FORMAT_VERSION}")
    if path.name != f"step-{state['step']:08d}":
        raise ValueError(f"it holds step {state['step']}")
    if durable.sha256_file(path / "variables.npz") != state["variables_sha256"]:
        raise ValueError("variables.npz does not have its checksum")
    with np.load(path / "variables.npz", allow_pickle=False) as saved:
        arrays = [saved[name] for name in sorted(saved.files)]
    return Checkpoint(state["step"], state["history"], state["identity"], arrays)


def restore(variables: Sequence, arrays: Sequence[np.ndarray]) -> None:
    """Assigns `arrays` by position; raises ValueError, before the first assignment, where a shape or dtype differs."""
    if len(variables) != len(arrays):
        raise ValueError(f"the checkpoint has {len(arrays)} variables, this model {len(variables)}")
    for variable, array in zip(variables, arrays, strict=True):
        found, expected = (array.dtype.name, array.shape), (_dtype(variable), tuple(variable.shape))
        if found != expected:
            raise ValueError(f"variable {_path(variable)} is {expected}, the checkpoint has {found}")
    for variable, array in zip(variables, arrays, strict=True):
        variable.assign(array)


def keep_newest(folder: Path, step: int, count: int, also: set[int]) -> None:
    """Deletes all checkpoints up to `step` but the newest `count` and those whose step is in `also`.

    What claims a later step is damaged or planted: it does not count, and is replaced when the run gets there.
    """
    for old in sorted(known for known in _steps(folder) if known <= step)[:-count]:
        if old not in also:
            shutil.rmtree(folder / f"step-{old:08d}", ignore_errors=True)
            kill_points.reach("checkpoint.deleted")


def to_arrays(variables: Sequence) -> list[np.ndarray]:
    """The variables' values, by position."""
    return [np.asarray(variable) for variable in variables]


def weights_sha256(arrays: Sequence[np.ndarray]) -> str:
    """One hash over shapes, dtypes and bits of `arrays`, in order."""
    digest = hashlib.sha256()
    for array in arrays:
        digest.update(f"{array.dtype.name}{array.shape}".encode())
        digest.update(np.ascontiguousarray(array).tobytes())
    return digest.hexdigest()


def describe(variables: Sequence) -> list[list]:
    """[path, shape, dtype] a variable, for a reader of state.json."""
    return [[_path(variable), list(variable.shape), _dtype(variable)] for variable in variables]


def _steps(folder: Path) -> list[int]:
    if not folder.is_dir():
        return []
    return [int(match[1]) for match in (_NAME.match(path.name) for path in folder.iterdir()) if match]


def _path(variable) -> str:
    return getattr(variable, "path", None) or variable.name


def _dtype(variable) -> str:
    return np.asarray(variable).dtype.name


def _sha256(state: dict) -> str:
    return hashlib.sha256(json.dumps(state, sort_keys=True).encode()).hexdigest()
