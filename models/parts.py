"""A model in two parts: what makes features of pictures, and the head that makes logits of features.

Where the first is frozen, an example's features never change: they can be computed once and kept like pixels.
"""

import keras
import numpy as np

from base.errors import UserError

FEATURES_LAYER = "pool"


def feature_part(model: keras.Model) -> keras.Model:
    """images float32 [batch, height, width, channels] in [0, 1] -> features [batch, channels] in the compute dtype.

    It shares the model's layers and variables. Raises UserError for a model without such a layer.
    """
    return keras.Model(model.input, _features_of(model), name=f"{model.name}_features")


def head_part(model: keras.Model) -> keras.Model:
    """features float32 [batch, channels] -> logits float32, [batch, classes] or [batch, 1].

    It shares the model's layers and variables (dropout, logits), and rounds features to the compute dtype as the whole
    model does, so that the head of `feature_part` is the model. Raises UserError as `feature_part`.
    """
    return keras.Model(_features_of(model), model.output, name=f"{model.name}_head")


def float32_twin(model: keras.Model) -> keras.Model:
    """The same function of one tensor, with variables of its own of the same values, computing in float32 whatever the
    policy."""
    twin = _in_float32(model)
    for copy, variable in zip(twin.variables, model.variables, strict=True):
        copy.assign(np.asarray(variable))
    return twin


def _in_float32(layer: keras.Operation) -> keras.Operation:
    """A new one. Models within models are not left to Keras, which would have them round what comes in."""
    if isinstance(layer, keras.Model):
        entry = keras.Input(layer.input_shape[1:], dtype="float32")
        if isinstance(layer, keras.Sequential):
            return keras.Sequential([entry, *map(_in_float32, layer.layers)], name=layer.name)
        return keras.models.clone_model(layer, input_tensors=entry, clone_function=_in_float32)
    config = layer.get_config()
    if isinstance(layer, keras.layers.Layer):
        config["dtype"] = "float32"
    return type(layer).from_config(config)


def _features_of(model: keras.Model) -> keras.KerasTensor:
    try:
        return model.get_layer(FEATURES_LAYER).output
    except ValueError:
        raise UserError(
            f"--model={model.name}: it has no layer {FEATURES_LAYER!r} that ends its features, so that no head can be "
            "trained on them alone; use residual_small or a keras.applications backbone, as mobilenet_v2"
        ) from None
