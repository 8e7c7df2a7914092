"""The weights that a run begins with, where these are another run's: what of them fits its model."""

import shlex
from pathlib import Path

import keras
import numpy as np

from base.durable import sha256_file
from base.errors import UserError
from base.places import is_saved_model
from base.watch import Watch
from models.options import ModelOptions
from records.run_folder import RunFolder
from training.checkpoint import DamagedError, checkpoint_path, load_newest, load_variables, weights_sha256
from training.history import best_row

_MOST_NAMED = 4


def weights_name(options: ModelOptions) -> str:
    """What names the weights that a model of `options` begins with, wherever they lie: "none", "imagenet", or hashes.

    Raises UserError for what cannot be read.
    """
    if options.weights in ("none", "imagenet"):
        return options.weights
    if options.weights == "preset":
        return f"preset {options.network.weights_sha256}"
    if options.weights_run is None:
        try:
            return sha256_file(options.weights)
        except OSError as error:
            raise UserError(f"--weights={options.weights!r}: {error.strerror}; give a file of weights") from None
    variables, _ = best_variables(options.weights_run)
    return weights_sha256([variables[name] for name in sorted(variables)])


def best_variables(run_dir: Path) -> tuple[dict[str, np.ndarray], str]:
    """(the variables of a run's best epoch, by path, or of its newest checkpoint where none has ended; in words,
    which that is); raises UserError where `run_dir` has none."""
    shown = f"--weights={str(run_dir)!r}"
    inside = next((one for one in run_dir.parents if RunFolder(one).has_begun), None)
    if inside and not RunFolder(run_dir).has_begun:
        raise UserError(f"{shown} lies in the folder of a run: give that, --weights={shlex.quote(str(inside))}")
    if not run_dir.is_dir():
        raise UserError(f"{shown} is no folder: it must be none, imagenet, an .h5 file or the folder of a run")
    if is_saved_model(run_dir):
        raise UserError(f"{shown} is a SavedModel, which holds no weights to train on: give the folder of its run")
    folder = RunFolder(run_dir)
    try:
        newest = load_newest(folder.checkpoints, Watch())
        if newest is None:
            raise UserError(f"{shown} holds no checkpoint: give the folder of a run, as runs/catdog/...")
        best = best_row(newest.history, newest.identity.get("options", {}).get("training.best_on", "auto"))
        step = best["step"] if best else newest.step
        variables = load_variables(checkpoint_path(folder.checkpoints, step))
    except (DamagedError, OSError, ValueError) as error:
        raise UserError(f"{shown}: its checkpoint cannot be used ({error}); give another run") from None
    return variables, f"epoch {best['epoch']}" if best else f"step {step}"


def begin_with(model: keras.Model, run_dir: Path, watch: Watch) -> set[str]:
    """Gives `model` what fits of the best weights of another run, by path and shape, and says what does not.

    Returns the paths of the variables that keep their own values. Raises UserError where nothing fits.
    """
    variables, which = best_variables(run_dir)
    fitting, new = [], []
    for variable in model.variables:
        if "seed_generator" in variable.path or not np.issubdtype(np.asarray(variable).dtype, np.floating):
            continue  # dropout's state is none of what was learnt
        array = variables.get(variable.path)
        fits = array is not None and array.shape == tuple(variable.shape)
        (fitting if fits else new).append(variable)
    if not fitting:
        raise UserError(
            f"--weights={str(run_dir)!r}: none of its variables fits {model.name} by name and shape: give a run of the "
            "same model"
        )
    for variable in fitting:
        variable.assign(variables[variable.path])
    named = ", ".join(f"{variable.path} {tuple(variable.shape)}" for variable in new[:_MOST_NAMED])
    more = f" and {len(new) - _MOST_NAMED} more" if len(new) > _MOST_NAMED else ""
    watch.say(
        f"weights     {run_dir}, {which}: {len(fitting)} of {len(fitting) + len(new)} variables"
        + (f"; new: {named}{more}" if new else "")
    )
    return {variable.path for variable in new}
