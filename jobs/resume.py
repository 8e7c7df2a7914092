"""What a checkpoint must agree with to be continued to the same bits, and what is said where it does not."""

import csv
import platform
from pathlib import Path

import keras
import numpy as np
import tensorflow as tf

from base.errors import UserError
from base.watch import Watch
from pipeline.data import Data
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


def find_checkpoint(run_dir: Path, identity: dict, data: Data, watch: Watch) -> Checkpoint | None:
    """The newest whole checkpoint of the run, or None where it has none; changes nothing in `run_dir`.

    Raises UserError where there are checkpoints but no whole one, and where it belongs to another run.
    """
    folder = run_dir / "checkpoints"
    try:
        saved = load_newest(folder, watch)
    except DamagedError as error:
        raise UserError(
            f"{error}: put one back, or delete that folder to train from the start, or give another --run_dir"
        ) from None
    # A run may find itself on another processor wherever machines are lent: that is said and not refused.
    changed = differences(saved.identity | {"processor": identity["processor"]}, identity) if saved else []
    if changed:
        pictures = _changed_pictures(run_dir / "split.csv", data)
        raise UserError(
            f"the checkpoint in {str(folder)!r} cannot be continued to the same result "
            f"({'; '.join(changed + pictures)}): restore what changed, or give another --run_dir"
        )
    return saved


def _changed_pictures(split_csv: Path, data: Data) -> list[str]:
    """In words, how the pictures differ from those that the run began with."""
    try:
        with open(split_csv, newline="", encoding="utf-8", errors="surrogateescape") as file:
            old = {row["path"]: (row["sha256"], row["label"]) for row in csv.DictReader(file)}
    except (OSError, KeyError, csv.Error):
        return []
    manifest = data.manifest
    digests, names = manifest.facts["sha256"], manifest.class_names
    new = {
        manifest.shown_path(example_id): (bytes(digests[example_id]).hex(), names[manifest.labels[example_id]])
        for example_id in np.concatenate(list(data.splits.ids.values())).tolist()
    }
    groups = {
        "new": new.keys() - old.keys(),
        "gone": old.keys() - new.keys(),
        "changed": {path for path in new.keys() & old.keys() if new[path] != old[path]},
    }
    return [f"{what} pictures: {len(paths)}, as {min(paths)!r}" for what, paths in groups.items() if paths]
