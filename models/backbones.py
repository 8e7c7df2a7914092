"""keras.applications networks without their top, each fed the value range it was trained with.

The range is part of the model (one float32 layer named "rescale", behind a flip of the channels where blue comes
first), so a picture in [0, 1] is all that anyone has to hand over. What a network has of such layers itself is left
out. BatchNorm on several replicas: see `residual.py`.
"""

import warnings

import keras

from base.errors import UserError
from models.backbone_table import BACKBONES
from models.backbone_weights import check_own_range, copy_weights, load_weights, one_line
from models.layers import Layers, in_color
from models.options import ModelOptions
from models.parts import FEATURES_LAYER
from models.rebuilding import rebuild
from pipeline.decoding.pixel_format import shown_size


def build_features(image: keras.KerasTensor, layers: Layers) -> keras.KerasTensor:
    """[batch, channels] in the compute dtype, from pixels in [0, 1]; a gray channel is repeated.

    Raises UserError for a picture that is too small and for weights that cannot be had or do not fit.
    """
    name, sides = layers.options.name, image.shape[1:3]
    least = BACKBONES[name].smallest_side
    if min(sides) < least:
        raise UserError(f"--image_size={shown_size(*sides)}: {name} needs at least {least} pixels a side")
    backbone = construct(layers, (*image.shape[1:3], 3))
    return keras.layers.GlobalAveragePooling2D(name=FEATURES_LAYER)(backbone(rescale(in_color(image), name)))


def rescale(image: keras.KerasTensor, name: str) -> keras.KerasTensor:
    """[batch, height, width, 3] float32 in the range that the backbone `name` wants, from an RGB picture in [0, 1]."""
    wanted = BACKBONES[name].value_range
    if wanted.is_bgr:
        image = keras.ops.flip(image, axis=-1)
    # Always float32: bfloat16 would shift 8-bit pixels by up to 1.4 of 255 levels; rounded after it, by 0.4.
    return keras.layers.Rescaling(wanted.scale, wanted.offset, dtype="float32", name="rescale")(image)


def construct(layers: Layers, pixel_shape: tuple[int, int, int]) -> keras.Model:
    """The backbone without its top, [batch, height, width, 3] -> [batch, rows, columns, channels].

    Its weights are drawn, or those that the options name. Raises UserError where these cannot be had or do not fit.
    """
    options = layers.options
    original = _original(options, pixel_shape)
    seeded = rebuild(original, layers)
    if options.weights != "none":
        copy_weights(load_weights(original, options), seeded)
    return seeded


def _original(options: ModelOptions, pixel_shape: tuple[int, int, int]) -> keras.Model:
    """Keras's own network, with ImageNet's weights where the options say so."""
    chosen = BACKBONES[options.name]
    constructor = getattr(keras.applications, chosen.constructor)
    weights = "imagenet" if options.weights == "imagenet" else None
    try:
        with warnings.catch_warnings():
            # Of weights of another size than the pictures': the log says it with `imagenet_side`.
            warnings.simplefilter("ignore")
            model = constructor(include_top=False, weights=weights, input_shape=pixel_shape, **chosen.settings)
        if weights:
            check_own_range(model)
    # Keras raises a bare Exception where the download fails.
    except Exception as error:
        if not weights:
            raise
        raise UserError(
            f"--weights=imagenet: those of {options.name} could not be fetched ({one_line(error)}); "
            "copy the no_top .h5 file here and give its path as weights"
        ) from error
    return model
