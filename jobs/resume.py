"""What a checkpoint must agree with to be continued to the same bits, and what is said where it does not."""

import platform
from collections.abc import Callable

import keras
import numpy as np
import tensorflow as tf

from base.errors import UserError
from pipeline.data import Data
from pipeline.sources.splits import split_rows
from records.run_folder import RunFolder
from training.checkpoint import Checkpoint, DamagedError, load_newest
from training.device import Hardware
from training.options import RunOptions, differences, part_of_the_run

PENSTOCK_VERSION = "0.1.0"


def versions() -> dict[str, str]:
    """The programs whose change may change a bit."""
    return {"penstock": PENSTOCK_VERSION, "python": platform.python_version(), "tensorflow": tf.__version__,
            "keras": keras.__version__, "numpy": np.__version__}  # fmt: skip


def identity_of(options: RunOptions, hardware: Hardware, data: Data) -> dict:
    """All that the run's bits are a function of, for its checkpoints; the thread count is one of the options."""
    return {"options": part_of_the_run(options), "manifest_sha256": data.manifest.sha256,
            "full_scale": data.full_scale, "precision": hardware.policy,
            "versions": versions(), "replicas": hardware.replicas, "processor": hardware.processor}  # fmt: skip


def find_checkpoint(folder: RunFolder, identity: dict, data: Data, say: Callable[[str], None]) -> Checkpoint | None:
    """The newest whole checkpoint of the run, or None where it has none; changes nothing in `folder`.

    Raises UserError where there are checkpoints but no whole one, and where it belongs to another run.
    """
    try:
        saved = load_newest(folder.checkpoints, say)
    except DamagedError as error:
        raise UserError(
            f"{error}: put one back, or delete that folder to train from the start, or give another --run_dir"
        ) from None
    # A run may find itself on another processor wherever machines are lent: that is said and not refused.
    changed = differences(saved.identity | {"processor": identity["processor"]}, identity) if saved else []
    if changed:
        pictures = _changed_pictures(folder, data)
        raise UserError(
            f"the checkpoint in {str(folder.checkpoints)!r} cannot be continued to the same result "
            f"({'; '.join(changed + pictures)}): restore what changed, or give another --run_dir"
        )
    return saved


def _changed_pictures(folder: RunFolder, data: Data) -> list[str]:
    """In words, how the pictures differ from those that the run began with."""
    try:
        rows = folder.read_split()
    except (OSError, ValueError):
        return []
    old, new = (
        {row.path: (row.sha256, row.label) for row in table} for table in (rows, split_rows(data.manifest, data.splits))
    )
    groups = {
        "new": new.keys() - old.keys(),
        "gone": old.keys() - new.keys(),
        "changed": {path for path in new.keys() & old.keys() if new[path] != old[path]},
    }
    return [f"{what} pictures: {len(paths)}, as {min(paths)!r}" for what, paths in groups.items() if paths]
