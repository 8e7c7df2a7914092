"""A network of KerasHub behind the range that its own preset says, and before logits.

Imports keras_hub, an optional extra, when it is asked for.
"""

import importlib.util
from collections.abc import Callable

import keras
import numpy as np

from base.errors import UserError
from models.backbone_weights import one_line
from models.hub_preset import HubPreset
from models.layers import Layers, in_color
from models.parts import FEATURES_LAYER

# Backbones whose first token is made to stand for the whole picture; of others' tokens the mean does.
_FIRST_TOKEN = ("ViTBackbone", "DeiTBackbone", "DINOV2Backbone", "DINOV3Backbone")
_PROBE = np.random.default_rng(0).integers(0, 256, (4, 16, 16, 3)).astype(np.float32)


class FirstToken(keras.layers.Layer):
    """[batch, channels], the first of [batch, tokens, channels]."""

    def call(self, inputs):
        """See the class."""
        return inputs[:, 0]


def function_of(preset: HubPreset, layers: Layers) -> Callable:
    """What builds the network, of (num_classes, pixel_shape); raises UserError where KerasHub is not installed."""
    if importlib.util.find_spec("keras_hub") is None:
        raise UserError(f"{preset}: KerasHub is not installed here; `make setup HUB=1` installs it")

    def build(num_classes: int, pixel_shape: tuple[int, int, int]) -> keras.Model:
        image = keras.Input(pixel_shape, dtype="float32")
        scale, offset = range_of(preset)
        pixels = keras.layers.Rescaling(scale, offset, dtype="float32", name="rescale")(in_color(image))
        backbone = _backbone(preset, (*pixel_shape[:2], 3), layers.options.weights == "preset")
        features = _pooled(preset, backbone, pixels)
        return keras.Model(image, layers.logits(features, num_classes))

    return build


def range_of(preset: HubPreset) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """(scale, offset) of each channel, that take [0, 1] to what the preset's image converter makes of [0, 255].

    It is looked at, as each family writes its own converter: what is no scale and offset of each channel is refused,
    and so is a preset without one.
    """
    import keras_hub

    try:
        converter = keras_hub.layers.ImageConverter.from_preset(
            preset.preset, image_size=_PROBE.shape[1:3], dtype="float32"
        )
        black, white, made = (np.asarray(converter(pixels)) for pixels in (0 * _PROBE, 0 * _PROBE + 255, _PROBE))
    except Exception as error:  # whatever KerasHub, and what it fetches with, raise
        raise UserError(
            f"{preset}: its preset does not say which range its pictures have ({one_line(error)}): give one with an "
            "image converter"
        ) from error
    scale, offset = (white - black).mean(axis=(0, 1, 2)), black.mean(axis=(0, 1, 2))
    if not np.allclose(made, scale * _PROBE / 255 + offset, rtol=1e-4, atol=1e-4 * np.abs(scale).max()):
        raise UserError(f"{preset}: its image converter does more than scale each channel, which is not known here")
    return tuple(scale.tolist()), tuple(offset.tolist())


def _backbone(preset: HubPreset, pixel_shape: tuple[int, int, int], load_weights: bool) -> keras.Model:
    import keras_hub

    own = None
    try:
        plain = keras_hub.models.Backbone.from_preset(preset.preset, load_weights=False)
        own = plain.get_config().get("image_shape")
        is_other = own is not None and None not in own and tuple(own) != pixel_shape
        settings = {"image_shape": pixel_shape} if is_other else {}
        return keras_hub.models.Backbone.from_preset(preset.preset, load_weights=load_weights, **settings)
    except Exception as error:  # as above
        size = f" of {own[0]} pixels, as its own are" if own and own[0] else ""
        raise UserError(f"{preset}: KerasHub does not build it so ({one_line(error)}): try pictures{size}") from error


def _pooled(preset: HubPreset, backbone: keras.Model, pixels: keras.KerasTensor) -> keras.KerasTensor:
    """[batch, channels] of the backbone's output, in the layer `parts.FEATURES_LAYER`."""
    inputs = backbone.input
    features = backbone(dict.fromkeys(inputs, pixels) if isinstance(inputs, dict) else pixels)
    rank = len(features.shape) if isinstance(features, keras.KerasTensor) else 0
    if rank == 4:
        return keras.layers.GlobalAveragePooling2D(name=FEATURES_LAYER)(features)
    if rank == 3 and type(backbone).__name__ in _FIRST_TOKEN and getattr(backbone, "use_class_token", True):
        return FirstToken(name=FEATURES_LAYER)(features)
    if rank == 3:
        return keras.layers.GlobalAveragePooling1D(name=FEATURES_LAYER)(features)
    raise UserError(f"{preset}: it is no network of pictures whose features are known here")
