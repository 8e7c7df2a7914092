"""Weights of a keras.applications network: from a file, checked, and into the network that is built of it."""

import warnings

import h5py
import keras
import numpy as np

from base.errors import UserError
from models.backbone_table import DEVIATION, MEAN
from models.options import ModelOptions


def load_weights(model: keras.Model, options: ModelOptions) -> keras.Model:
    """`model`, with the values of the file of weights where the options name one.

    Raises UserError for a file that is not there or holds something else.
    """
    if options.weights in ("none", "imagenet"):
        return model
    try:
        with warnings.catch_warnings():
            # Keras warns and goes on where the file lacks a layer; the count below refuses such a file.
            warnings.simplefilter("ignore")
            model.load_weights(options.weights)
        _check_count(options.weights, len(model.weights))
        for variable in model.weights:
            if not keras.ops.all(keras.ops.isfinite(variable)):
                raise ValueError(f"{variable.path} holds values that are not finite")
        check_own_range(model)
    except FileNotFoundError as error:
        raise UserError(f"--weights={options.weights!r}: there is no such file") from error
    except Exception as error:  # h5py and Keras have a dozen types for what a flipped bit can do
        raise UserError(
            f"--weights={options.weights!r}: not the weights of {options.name} without its top "
            f"({one_line(error)}); give a file saved from that backbone, or none"
        ) from error
    return model


def check_own_range(model: keras.Model) -> None:
    """Raises ValueError where a layer's weights say that the network was trained on another range than the table's.

    EfficientNet alone has such a layer. Its published weights hold ImageNet's deviation where the variance belongs,
    and Keras divides by its root once more (github.com/tensorflow/tensorflow/issues/49930): in all by the deviation.
    """
    for layer in model.layers:
        if isinstance(layer, keras.layers.Normalization) and layer.weights:
            mean, variance, _ = layer.get_weights()
            if not (np.allclose(mean, MEAN, atol=1e-3) and np.allclose(variance, DEVIATION, atol=1e-3)):
                raise ValueError(
                    f"they were trained on pictures less {mean} by the root of {variance}, and not by the published "
                    f"{DEVIATION}"
                )


def copy_weights(original: keras.Model, rebuilt: keras.Model) -> None:
    """Gives the rebuilt network the values of its original, but those of the layers that it lacks."""
    own = [layer for layer in original.layers if isinstance(layer, keras.layers.Normalization)]
    left_out = {id(variable) for layer in own for variable in layer.weights}
    rebuilt.set_weights([variable.numpy() for variable in original.weights if id(variable) not in left_out])


def one_line(error: Exception) -> str:
    """What an error says, cut short."""
    return " ".join(str(error).split())[:240]


def _check_count(path: str, expected: int) -> None:
    if path.endswith(".weights.h5"):
        arrays = []
        with h5py.File(path) as file:
            file.visititems(lambda name, entry: arrays.append(name) if isinstance(entry, h5py.Dataset) else None)
        if len(arrays) != expected:
            raise ValueError(f"it holds {len(arrays)} arrays, not {expected}")
