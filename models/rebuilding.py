"""A network built again from its own description, with every seed and every name that Keras counts up replaced.

keras.applications takes no seed, and two builds in one process would differ.
"""

import re

import keras

from models.layers import BatchNormalization, Dropout, Layers, LayerScale

# keras.applications' 0.999 (MobileNet) and 0.99 remember 1000 and 100 steps. On a few thousand pictures validation
# would see ImageNet's statistics for many epochs. It does not change what given weights compute.
MOMENTUM = 0.9
# Where Keras' own layer names a variable by a counter of the process, so that two builds would differ, and where it
# counts padding.
REPLACED = {"BatchNormalization": BatchNormalization, "Dropout": Dropout, "LayerScale": LayerScale}
_REGULARIZERS = {"kernel_regularizer", "depthwise_regularizer", "pointwise_regularizer"}
# Layers that bring pixels to a network's range, which is done before it, in float32 under every policy.
_RANGE_LAYERS = (keras.layers.Rescaling, keras.layers.Normalization)


def rebuild(model: keras.Model, layers: Layers) -> keras.Model:
    """The same network with new variables: seeded by their layers' names, its kernels regularized, without the layers
    that bring pixels to its range."""
    positions = {id(operation): position for position, operation in enumerate(model.operations)}

    def clone(layer: keras.Operation) -> keras.Operation:
        name = _stable_name(layer, positions.get(id(layer), 0))
        if isinstance(layer, _RANGE_LAYERS):
            return keras.layers.Identity(name=name)
        config = layer.get_config() | {"name": name}
        _fill_seeds(config, name, layers)
        for key in config.keys() & _REGULARIZERS:
            config[key] = layers.regularizer()
        if isinstance(layer, keras.layers.BatchNormalization):
            config["momentum"] = MOMENTUM
        return REPLACED.get(type(layer).__name__, type(layer)).from_config(config)

    image = keras.Input(model.input_shape[1:], dtype="float32", name="backbone_image")
    return keras.models.clone_model(model, image, clone_function=clone, recursive=True)


def _stable_name(layer: keras.Operation, position: int) -> str:
    automatic = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", type(layer).__name__).lower()
    made_by_keras = re.sub(r"_\d+$", "", layer.name).replace("_", "") == automatic.replace("_", "")
    return f"{automatic}_at_{position}" if made_by_keras else layer.name


def _fill_seeds(config: dict, path: str, layers: Layers) -> None:
    for key, value in config.items():
        if key == "seed" and value is None:
            config[key] = layers.seed_for(path)
        elif isinstance(value, dict):
            _fill_seeds(value, f"{path}/{key}", layers)
