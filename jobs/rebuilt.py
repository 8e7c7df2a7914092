"""A finished run's model, built again from its folder: what no SavedModel gives, the layers and their gradients."""

import functools
from pathlib import Path

import keras

from base.errors import UserError
from base.options import leaves
from base.places import is_saved_model
from jobs.options import RunOptions
from models.network_file import NetworkFile
from models.options import ModelOptions
from models.zoo import build_model
from records.run_folder import RunFolder
from training.checkpoint import checkpoint_path, load_checkpoint, restore
from training.history import best_row


def rebuilt_model(run_dir: Path, num_classes: int, pixel_shape: tuple[int, int, int]) -> keras.Model:
    """The model of a run's best epoch, as it was exported, under the policy that is set.

    A network of the user's own is built from the text that the run has kept. Raises UserError where `run_dir` is not
    the folder of a finished run of so many classes, or its checkpoint is not there any more.
    """
    if is_saved_model(run_dir):
        raise UserError(
            f"--run={run_dir} is a SavedModel, which has no layers to look into: give the folder of its run"
        )
    folder = RunFolder(run_dir)
    options = saved_options(folder)
    model = build_model(_model_options(folder, options), options.seed, num_classes, pixel_shape)
    try:
        best = best_row(folder.history.read(), options.training.best_on)
        arrays = load_checkpoint(checkpoint_path(folder.checkpoints, best["step"])).arrays
        restore({"model": model.variables}, {"model": arrays.get("average", arrays["model"])})
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise UserError(
            f"{str(folder.path)!r}: the checkpoint of its best epoch cannot be used ({error}): put it back"
        ) from None
    return model


def saved_options(folder: RunFolder) -> RunOptions:
    """A run's own; of what an earlier version did not know the defaults. Raises UserError where they cannot be read."""
    try:
        written, values = folder.options.read(), {}
        for leaf in leaves(RunOptions):
            room = functools.reduce(lambda values, name: values.get(name, {}), leaf.path[:-1], written)
            if leaf.path[-1] in room:
                value = room[leaf.path[-1]]
                values[leaf.name] = tuple(value) if isinstance(value, list) else value
        return RunOptions().changed(values)
    except (OSError, ValueError, TypeError, AttributeError) as error:
        raise UserError(f"{str(folder.path)!r} is not a run folder (options.json: {error}): give one") from None


def _model_options(folder: RunFolder, options: RunOptions) -> ModelOptions:
    model = options.model.to_restore()
    if not isinstance(model.network, NetworkFile):
        return model
    kept = NetworkFile(folder.network.path, model.network.function)
    try:
        expected = folder.results.read().get("network_sha256")
    except (OSError, ValueError) as error:
        raise UserError(f"{str(folder.path)!r}: results.json cannot be read ({error}): put it back") from None
    if kept.sha256 != expected:
        raise UserError(f"{str(folder.network.path)!r} is not what the run was built from: put it back")
    return model.changed({"model": f"{kept.path}:{kept.function}"})
