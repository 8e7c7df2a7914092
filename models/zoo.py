"""Name -> Keras model.

Every model takes "image", [batch, height, width, channels] float32 in [0, 1], and gives float32 logits (see
`heads.py`). Whatever lies between follows the global dtype policy; variables are float32 under the mixed ones. Weights
and dropout seeds are functions of the options and the seed alone: building twice, under any policy, strategy or in
another process gives the same numbers.
"""

import keras

from base.errors import UserError
from models import backbones, convolutional, residual, residual_wide
from models.layers import DROPOUT, Layers
from models.options import BACKBONE_NAMES, CONVOLUTIONAL_NAMES, ModelOptions
from models.own_network import build_network, check_network

FEATURES = {
    **dict.fromkeys(CONVOLUTIONAL_NAMES, convolutional.build_features),
    "residual_small": residual.build_features,
    **dict.fromkeys(residual_wide.FILTERS, residual_wide.build_features),
    **dict.fromkeys(BACKBONE_NAMES, backbones.build_features),
}


def check_model(options: ModelOptions, seed: int, num_classes: int, pixel_shape: tuple[int, int, int]) -> None:
    """Raises UserError where `options` name a network of the user's own that a run cannot train; builds it for that.

    Arguments as of `build_model`; not in a strategy's scope.
    """
    _check_classes(num_classes)
    if options.network:
        check_network(options.network, Layers(options, seed), num_classes, pixel_shape)


def build_model(options: ModelOptions, seed: int, num_classes: int, pixel_shape: tuple[int, int, int]) -> keras.Model:
    """The model `options` names, with new variables; inside a strategy's scope they are the strategy's.

    Args:
      seed: of the initial weights and the dropout, 0 or more.
      num_classes: 2 or more.
      pixel_shape: (height, width, channels) of the pictures, in pixels; 1 or 3 channels.

    Returns:
      [batch, height, width, channels] float32 in [0, 1] -> float32 logits, [batch, num_classes], or [batch, 1] for two
      classes of a `catdog` model or of the user's own. Any l2 penalty is in `model.losses`. `model.variables` holds
      dropout's seed state too, which `model.weights` leaves out.

    Raises:
      UserError: too few classes, too small a picture, weights that cannot be had or do not fit, a function of the
        user's that cannot be called or gives something else.
    """
    _check_classes(num_classes)
    layers = Layers(options, seed)
    if options.network:
        return build_network(options.network, layers, num_classes, pixel_shape)
    image = keras.Input(pixel_shape, dtype="float32", name="image")
    features = FEATURES[options.name](image, layers)
    recipe = convolutional.RECIPES.get(options.name)
    units = 1 if num_classes == 2 and recipe and recipe.single_unit else num_classes
    logits = layers.logits(features, units, recipe.dropout if recipe else DROPOUT)
    return keras.Model(image, logits, name=options.name)


def _check_classes(num_classes: int) -> None:
    if num_classes < 2:
        raise UserError(f"there are {num_classes} classes: a classifier needs at least 2")
