"""Which layers of a model learn: a backbone's first ones may stay, and its BatchNorm may keep its statistics.

A layer that stays computes as it does in evaluation. Its moving statistics are those that its weights were trained
with: a batch's own would feed the layers above what they have never seen, and moving ones would drift away from
weights that do not follow (keras.io/guides/transfer_learning; Kornblith et al., "Do Better ImageNet Models Transfer
Better?", 2019, on small data).
"""

from collections.abc import Iterable

import keras

from base.errors import UserError, unknown_name
from models.layers import BatchNormalization, opened
from models.parts import FEATURES_LAYER

_FLAG = "--unfreeze_from"


def backbone_layers(model: keras.Model) -> list[keras.layers.Layer]:
    """The layers from the picture to the features, in the order of their computing, those of nested models too."""
    names = [layer.name for layer in model.layers]
    return list(opened(model.layers[: names.index(FEATURES_LAYER)])) if FEATURES_LAYER in names else []


def freeze(model: keras.Model, unfreeze_from: str = "", keeps_statistics: bool = False) -> None:
    """Freezes the backbone's layers before the one that `unfreeze_from` names.

    Args:
      unfreeze_from: as the option; empty freezes none.
      keeps_statistics: whether the BatchNorm of the others computes with its moving statistics, which then stay; its
        scale and offset learn.

    Raises:
      UserError: no layer is called so.
    """
    layers = backbone_layers(model)
    first = _first_of(layers, unfreeze_from) if unfreeze_from else 0
    for layer in layers[:first]:
        layer.trainable = False
    for layer in layers[first:]:
        if isinstance(layer, BatchNormalization):
            layer.keeps_statistics = keeps_statistics


def freeze_all(model: keras.Model) -> None:
    """Freezes the whole backbone: the head alone learns."""
    for layer in backbone_layers(model):
        layer.trainable = False


def rate_factors(model: keras.Model, backbone_factor: float) -> list[float]:
    """What of the learning rate each of `model.trainable_variables` takes: the backbone's that factor, others 1."""
    backbone = {id(variable) for layer in backbone_layers(model) for variable in layer.variables}
    return [backbone_factor if id(variable) in backbone else 1.0 for variable in model.trainable_variables]


def _first_of(layers: list[keras.layers.Layer], text: str) -> int:
    """The place of the first layer that learns."""
    if (fraction := _fraction(text)) is not None:
        weighted = [place for place, layer in enumerate(layers) if layer.weights]
        return weighted[int(fraction * len(weighted))]
    names = [layer.name for layer in layers]
    place = next((place for place, name in enumerate(names) if name == text), None)
    if place is None:
        place = next((place for place, name in enumerate(names) if name.startswith(f"{text}_")), None)
    if place is None:
        raise unknown_name(_FLAG, text, _known(layers), "or a fraction of the layers, as 0.6")
    if not any(layer.weights for layer in layers[place:]):
        raise UserError(f"{_FLAG}={text}: no layer from there on has weights: --train=head trains the head alone")
    return place


def _fraction(text: str) -> float | None:
    """A number from 0 to below 1; None for what is no number."""
    try:
        fraction = float(text)
    except ValueError:
        return None
    if not 0 <= fraction < 1:
        raise UserError(f"{_FLAG}={text}: a fraction of the layers must be from 0 to below 1")
    return fraction


def _known(layers: Iterable[keras.layers.Layer]) -> list[str]:
    """The names of those that have weights."""
    return [layer.name for layer in layers if layer.weights]
