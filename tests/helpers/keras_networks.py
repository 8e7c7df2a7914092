"""keras.applications networks as Keras makes them, with the preprocessing that Keras has for each."""

import sys
from unittest import mock

import keras
import numpy as np

from models.backbone_table import BACKBONES, DEVIATION, MEAN


def constructor_of(name: str):
    """The function of keras.applications that makes the backbone `name`."""
    return getattr(keras.applications, BACKBONES[name].constructor)


def module_of(name: str):
    """The module of keras.applications that it lies in, which has its `preprocess_input`."""
    return sys.modules[constructor_of(name).__module__]


def whole_network(name: str, side: int) -> keras.Model:
    """Without its top, with the layers that bring pixels to its range where it has such, and with random weights.

    EfficientNet with ImageNet's weights has a layer more than without them, and needs the values of another.
    """
    settings = {key: value for key, value in BACKBONES[name].settings.items() if key != "include_preprocessing"}
    given = {"include_top": False, "input_shape": (side, side, 3), **settings}
    if not BACKBONES[name].constructor.startswith("EfficientNetB"):
        return constructor_of(name)(weights=None, **given)
    with mock.patch("keras.src.utils.file_utils.get_file"), mock.patch("keras.Model.load_weights"):
        model = constructor_of(name)(weights="imagenet", **given)
    (own,) = (layer for layer in model.layers if isinstance(layer, keras.layers.Normalization))
    own.set_weights([np.array(MEAN), np.array(DEVIATION), np.array(0)])
    own.finalize_state()
    return model


def own_preprocessing(model: keras.Model) -> keras.Model:
    """The first layers of a network, up to the last one that brings pixels to its range."""
    kinds = keras.layers.Rescaling | keras.layers.Normalization
    return keras.Model(model.input, [layer for layer in model.layers if isinstance(layer, kinds)][-1].output)


def pictures(side: int) -> np.ndarray:
    """[32, side, side, 3] float32 in [0, 255]: patches of random colors, so that no two have a mean alike.

    A network's last maps may have one pixel a picture: the statistics of 4 such values, of which some nearly vanish,
    make a network that raises a millionth of noise to a tenth of the largest feature; those of 32 do not.
    """
    patches = np.random.default_rng(5).integers(0, 256, (32, 3, 3, 3)).astype(np.float32)
    return np.kron(patches, np.ones((1, -(-side // 3), -(-side // 3), 1), np.float32))[:, :side, :side]


def liven(model: keras.Model, fed: np.ndarray) -> None:
    """Gives what begins as 0, 1 or next to nothing random values, and BatchNorm the statistics of `fed`: without them
    a deep network of random weights says the same of all pictures."""
    generator = np.random.default_rng(3)
    own = {id(v) for layer in model.layers if isinstance(layer, keras.layers.Normalization) for v in layer.weights}
    for variable in model.weights:
        if len(variable.shape) == 1 and id(variable) not in own:
            is_shift = variable.path.endswith(("bias", "beta", "mean"))
            low, high = (-0.2, 0.2) if is_shift else (0.5, 1.5)
            variable.assign(generator.uniform(low, high, variable.shape))
    for layer in model.layers:
        if isinstance(layer, keras.layers.BatchNormalization):
            layer.momentum = 0.0
    model(fed, training=True)
