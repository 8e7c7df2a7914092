"""Checkpoints: one integer, all variables by part and position, and the history. Whole, checked, newest valid one wins.

No iterator state: the step says which examples come next and how they are augmented. A checkpoint is a folder
`step-00000123` with `variables.npz` (plain arrays named `model/00000` and so on, no pickle) and `state.json`, which
holds the checksum of the first and its own.
"""

import dataclasses
import hashlib
import json
import os
import re
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from base import durable, kill_points
from base.watch import Watch

FORMAT_VERSION = 4
_NAME = re.compile(r"step-(\d{8,})$")


@dataclasses.dataclass(frozen=True)
class Checkpoint:
    """The state after `step` optimizer updates.

    Attributes:
      history: a dict an epoch, as in history.csv.
      identity: what the run is a function of (options, manifest, threads, versions); must agree to be resumed.
      arrays: by the name of a part of the state (as "model"), its variables by position.
      times: where the run's time went so far: "epoch", the clock of the epoch under way, "seconds" and "starts".
    """

    step: int
    history: list[dict]
    identity: dict
    arrays: dict[str, list[np.ndarray]]
    times: dict = dataclasses.field(default_factory=lambda: {"epoch": {}, "seconds": 0.0, "starts": 0})


def save_checkpoint(folder: Path, checkpoint: Checkpoint, parts: Mapping[str, Sequence]) -> None:
    """Writes `folder/step-N`, whole or not at all; raises OSError where the disk is full.

    `parts` are the variables that `checkpoint.arrays` are the values of.
    """
    with durable.whole_directory(checkpoint_path(folder, checkpoint.step)) as temporary:
        named = {f"{part}/{position:05d}": array for part, arrays in checkpoint.arrays.items()
                 for position, array in enumerate(arrays)}  # fmt: skip
        content = durable.encode_arrays(named)
        (temporary / "variables.npz").write_bytes(content)
        kill_points.reach("checkpoint.variables")
        state = {
            "format": FORMAT_VERSION,
            "step": checkpoint.step,
            "history": checkpoint.history,
            "identity": checkpoint.identity,
            "times": checkpoint.times,
            # [path, shape, dtype] a variable, by part, for whoever reads the file.
            "variables": {part: [_described(variable) for variable in variables] for part, variables in parts.items()},
            "variables_sha256": hashlib.sha256(content).hexdigest(),
        }
        (temporary / "state.json").write_text(json.dumps(state | {"sha256": _sha256(state)}, indent=2, allow_nan=False))


class DamagedError(Exception):
    """There are checkpoints, and none of them can be used."""


def load_newest(folder: Path, watch: Watch) -> Checkpoint | None:
    """The newest checkpoint in `folder` that is whole; damaged ones are named to `watch` and passed over.

    None where there is none. Raises DamagedError where there are some, but no whole one.
    """
    damages = []
    for step in sorted(_steps(folder), reverse=True):
        path = checkpoint_path(folder, step)
        try:
            return load_checkpoint(path)
        except (OSError, ValueError) as error:
            damages.append(f"{path.name}: {error}")
            watch.say(f"checkpoint {path.name} is damaged ({error}): trying the one before it")
    if damages:
        raise DamagedError(f"none of the {len(damages)} checkpoints in {str(folder)!r} can be used; {damages[0]}")
    return None


def load_checkpoint(path: Path) -> Checkpoint:
    """Raises OSError or ValueError where anything in it is missing or is not what was written."""
    state, arrays = _load(path)
    return Checkpoint(state["step"], state["history"], state["identity"], arrays, state["times"])


def load_variables(path: Path) -> dict[str, np.ndarray]:
    """The model's variables in a checkpoint, averaged where the run averages, by their paths; raises as
    `load_checkpoint`."""
    state, arrays = _load(path)
    values = arrays.get("average", arrays["model"])
    return {name: array for (name, *_), array in zip(state["variables"]["model"], values, strict=True)}


def _load(path: Path) -> tuple[dict, dict[str, list[np.ndarray]]]:
    """(what state.json says, the arrays of each part)."""
    state = json.loads((path / "state.json").read_text())
    said = state.pop("sha256", None) if isinstance(state, dict) else None
    if not said or said != _sha256(state):
        raise ValueError("state.json does not have its checksum")
    if state["format"] != FORMAT_VERSION:
        raise ValueError(f"format {state['format']}, this program reads {FORMAT_VERSION}")
    if path != checkpoint_path(path.parent, state["step"]):
        raise ValueError(f"it holds step {state['step']}")
    if durable.sha256_file(path / "variables.npz") != state["variables_sha256"]:
        raise ValueError("variables.npz does not have its checksum")
    with np.load(path / "variables.npz", allow_pickle=False) as saved:
        arrays = {}
        for name in sorted(saved.files):
            arrays.setdefault(name.partition("/")[0], []).append(saved[name])
    return state, arrays


def restore(parts: Mapping[str, Sequence], arrays: Mapping[str, Sequence[np.ndarray]]) -> None:
    """Assigns `arrays` to the variables of the same part and position.

    Raises ValueError, before the first assignment, where the parts, their sizes, a shape or a dtype differ.
    """
    if parts.keys() != arrays.keys():
        raise ValueError(f"the checkpoint has the parts {sorted(arrays)}, this run {sorted(parts)}")
    for part, variables in parts.items():
        if len(variables) != len(arrays[part]):
            raise ValueError(f"{part}: the checkpoint has {len(arrays[part])} variables, this run {len(variables)}")
    pairs = [pair for part, variables in parts.items() for pair in zip(variables, arrays[part], strict=True)]
    for variable, array in pairs:
        path, shape, dtype = _described(variable)
        found, expected = (array.dtype.name, array.shape), (dtype, tuple(shape))
        if found != expected:
            raise ValueError(f"variable {path} is {expected}, the checkpoint has {found}")
    for variable, array in pairs:
        variable.assign(array)


def keep_newest(folder: Path, step: int, count: int, also: set[int]) -> None:
    """Deletes all checkpoints up to `step` but the newest `count` and those whose step is in `also`.

    What claims a later step is damaged or planted: it does not count, and is replaced when the run gets there.
    """
    for old in sorted(known for known in _steps(folder) if known <= step)[:-count]:
        if old not in also:
            shutil.rmtree(checkpoint_path(folder, old), ignore_errors=True)
            kill_points.reach("checkpoint.deleted")


def checkpoint_path(folder: Path, step: int) -> Path:
    """Where the checkpoint of `step` is, or would be."""
    return folder / f"step-{step:08d}"


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


def _steps(folder: Path) -> list[int]:
    names = os.listdir(folder) if folder.is_dir() else []
    return [int(match[1]) for match in map(_NAME.match, names) if match]


def _described(variable) -> list:
    path = getattr(variable, "path", None) or variable.name
    return [path, list(variable.shape), np.asarray(variable).dtype.name]


def _sha256(state: dict) -> str:
    return hashlib.sha256(json.dumps(state, sort_keys=True).encode()).hexdigest()
