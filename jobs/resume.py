"""What a checkpoint must agree with to be continued to the same bits, and what is said where it does not."""

import platform
from collections.abc import Mapping

import keras
import numpy as np
import tensorflow as tf

from base.errors import UserError
from base.options import differences
from base.watch import Watch
from jobs.beginning import weights_name
from jobs.options import RunOptions
from jobs.run import Run
from models.layers import normalizes_batches
from records.run_folder import RunFolder
from records.split_changes import changed_pictures
from training.checkpoint import Checkpoint, DamagedError, checkpoint_path, load_checkpoint, load_newest, restore
from training.history import should_stop
from training.loop import Loop
from training.phases import phases_of

_ANOTHER = "give another --run_dir, with --weights=RUN to begin with what this one has learnt"
PENSTOCK_VERSION = "0.3.0"


def versions() -> dict[str, str]:
    """The programs whose change may change a bit."""
    return {"penstock": PENSTOCK_VERSION, "python": platform.python_version(), "tensorflow": tf.__version__,
            "keras": keras.__version__, "numpy": np.__version__}  # fmt: skip


def identity_of(run: Run, weights: str) -> dict:
    """All that the run's bits are a function of, for its checkpoints: contents, not places; the thread count is one of
    the options. `weights` names those that the model began with."""
    training, network = run.options.training, run.options.model.network
    return {"options": run.options.identity(), "manifest_sha256": run.data.manifest.sha256, "weights": weights,
            "schedule_epochs": training.schedule_epochs,
            "full_scale": run.data.pixels.pixel_format.full_scale,
            "resize": run.data.pixels.pixel_format.resize, "precision": run.hardware.policy,
            "global_batch_size": run.global_batch_size,
            **({"network_sha256": network.sha256} if network else {}),
            "versions": versions(), "replicas": run.hardware.replicas, "environment": dict(run.hardware.environment),
            "processor": run.hardware.processor}  # fmt: skip


def beginning_of(options: RunOptions, old: Mapping, saved: Checkpoint | None) -> str:
    """`weights_name` of a run; of one that goes on, what its checkpoint says, unless it is given other weights than
    before, which may be the same in another place."""
    if saved and old.get("model", {}).get("weights") == options.model.weights:
        return saved.identity.get("weights", "")
    return weights_name(options.model)


def check_epochs(options: RunOptions, old: Mapping, saved: Checkpoint | None) -> None:
    """Raises UserError where a run cannot go on to as many epochs as are asked for; `old` is its options.json."""
    training, before = options.training, old.get("training", {}).get("epochs", options.training.epochs)
    rows = phases_of(training, options.model.is_pretrained)[-1].rows(saved.history) if saved else []
    done = len(rows)
    if training.epochs < done:
        raise UserError(
            f"--epochs={training.epochs}: the run has done {done} already; give as many or more, or another --run_dir"
        )
    if before == training.epochs or not saved:
        return
    if training.schedule_epochs:
        raise UserError(
            f"--epochs={training.epochs}: the run was begun with {before}, and its {training.schedule} schedule is "
            f"spread over these, so that another number is another run: {_ANOTHER}"
        )
    if training.epochs > before and should_stop(rows, training.early_stop_patience, training.early_stop_on):
        raise UserError(
            f"--epochs={training.epochs}: --early_stop_patience={training.early_stop_patience} ended the run after "
            f"epoch {done}, and would again: {_ANOTHER}"
        )


def newest_checkpoint(folder: RunFolder, watch: Watch) -> Checkpoint | None:
    """The newest whole checkpoint of a run, or None where it has none; changes nothing in `folder`.

    Raises UserError where there are checkpoints but no whole one.
    """
    try:
        return load_newest(folder.checkpoints, watch)
    except DamagedError as error:
        raise UserError(
            f"{error}: put one back, or delete that folder to train from the start, or give another --run_dir"
        ) from None


def check_identity(saved: Checkpoint | None, identity: dict, run: Run) -> None:
    """Raises UserError where the checkpoint belongs to another run than the one of `identity`."""
    # A run may find itself on another processor wherever machines are lent: that, and other replicas, is said.
    changed = differences(saved.identity, identity, except_for=("processor", "replicas")) if saved else []
    if changed:
        raise UserError(
            f"the checkpoint in {str(run.folder.checkpoints)!r} cannot be continued to the same result "
            f"({'; '.join(changed + _changed_pictures(run))}): restore what changed, or give another --run_dir"
        )


def go_on(run: Run, loop: Loop, saved: Checkpoint | None) -> None:
    """Puts the loop where the checkpoint left it, and says so; None begins again."""
    say = run.watch.say
    if saved is None:
        say("resume      from the start: the run has no checkpoint")
        return
    loop.go_on(saved)
    say(f"resume      from step {saved.step}, after {len(saved.history)} whole epochs")
    before, now = saved.identity.get("processor"), loop.identity["processor"]
    if before != now:
        say(f"processor   warning: {before} -> {now}, which rounds otherwise: the last bits may differ")
    before, now = saved.identity["replicas"], loop.identity["replicas"]
    if before != now:
        say(
            f"replicas    {before} -> {now}: same examples, augmentation and dropout; sums over replicas differ in "
            "their last bits"
            + (", and BatchNorm normalizes by each replica's own rows" if normalizes_batches(loop.state.model) else "")
        )


def best_model(run: Run, trained: keras.Model, step: int) -> keras.Model:
    """The model of the checkpoint of `step`, averaged where the run averages, computing in float32 whatever it was
    trained in.

    It is the `trained` one where that computes in float32, on one device: to build another takes seconds.
    """
    path = checkpoint_path(run.folder.checkpoints, step)
    try:
        arrays = load_checkpoint(path).arrays
        arrays = arrays.get("average", arrays["model"])
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise UserError(
            f"the best epoch's checkpoint {str(path)!r} is damaged ({error}), and no other holds its weights: put it "
            "back, or train again in another --run_dir"
        ) from None
    model = trained
    if run.hardware.policy != "float32" or run.hardware.strategy:
        keras.config.set_dtype_policy("float32")
        model = run.new_model()
    restore({"model": model.variables}, {"model": arrays})
    return model


def _changed_pictures(run: Run) -> list[str]:
    """In words, how the pictures differ from those that the run began with."""
    try:
        rows = run.folder.split.read()
    except (OSError, ValueError):
        return []
    return changed_pictures(rows, run.data.split_rows())
