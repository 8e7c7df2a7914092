"""residual_medium and residual_wide: wide, shallow residual networks for 32 to 224 pixels.

A block is Conv-BatchNorm-relu-Conv-BatchNorm, added to its input before the last relu (He et al., "Deep Residual
Learning for Image Recognition", 2016). Few wide layers compute more of what a machine can than many narrow ones, for
the same accuracy (Zagoruyko & Komodakis, "Wide Residual Networks", 2016). Every block begins as its shortcut alone:
the scale of its last BatchNorm starts at zero (Goyal et al., "Accurate, Large Minibatch SGD", 2017). The stem has two
convolutions, and where a block halves the picture its shortcut averages, rather than leaving out three pixels of four
(He et al., "Bag of Tricks for Image Classification with Convolutional Neural Networks", 2019).

The stem brings the first stage to 24 to 56 pixels, whatever the picture's side, and costs the same parameters: weights
learnt at one size are those of any other.
"""

import keras

from models.layers import BatchNormalization, Layers
from models.parts import FEATURES_LAYER
from models.residual import MOMENTUM

# The widths of the stages; each has `BLOCKS_A_STAGE` blocks.
FILTERS = {"residual_medium": (48, 96, 192), "residual_wide": (96, 192, 384)}
BLOCKS_A_STAGE = 2
# From these sides on the stem's first convolution halves the picture, and its second one.
HALVE_FROM_PIXELS, QUARTER_FROM_PIXELS = 64, 96


def build_features(image: keras.KerasTensor, layers: Layers) -> keras.KerasTensor:
    """[batch, channels of the last stage] in the compute dtype, from pixels in [0, 1]."""
    options, side = layers.options, min(image.shape[1:3])
    widths = options.filters or FILTERS[options.name]
    strides = (2 if side >= HALVE_FROM_PIXELS else 1, 2 if side >= QUARTER_FROM_PIXELS else 1)
    features = _convolution(image, layers, "stem1", max(widths[0] // 2, 1), strides[0])
    features = _convolution(_relu(features, "stem1"), layers, "stem2", widths[0], strides[1])
    features = _relu(features, "stem2")
    for stage, width in enumerate(widths, start=1):
        for block in range(1, (options.blocks or BLOCKS_A_STAGE) + 1):
            stride = 2 if block == 1 and stage > 1 else 1
            features = _block(features, layers, f"stage{stage}_block{block}", width, stride)
    return keras.layers.GlobalAveragePooling2D(name=FEATURES_LAYER)(features)


def _block(features: keras.KerasTensor, layers: Layers, name: str, width: int, stride: int) -> keras.KerasTensor:
    shortcut = features
    if stride > 1:
        shortcut = keras.layers.AveragePooling2D(stride, padding="same", name=f"{name}_mean")(shortcut)
    if shortcut.shape[-1] != width:
        shortcut = _convolution(shortcut, layers, f"{name}_shortcut", width, 1, kernel_size=1)
    residual = _relu(_convolution(features, layers, f"{name}_first", width, stride), f"{name}_first")
    residual = _convolution(residual, layers, f"{name}_second", width, 1, first_scale="zeros")
    return _relu(keras.layers.Add(name=f"{name}_add")([shortcut, residual]), name)


def _relu(features: keras.KerasTensor, name: str) -> keras.KerasTensor:
    return keras.layers.ReLU(name=f"{name}_relu")(features)


def _convolution(
    features: keras.KerasTensor, layers: Layers, name: str, width: int, stride: int, kernel_size=3, first_scale="ones"
) -> keras.KerasTensor:
    """A convolution and the BatchNorm of what it gives."""
    # No bias: the BatchNorm that follows would subtract it.
    features = layers.convolution(
        f"{name}_conv", width, kernel_size, initializer=keras.initializers.HeNormal, strides=stride, padding="same",
        use_bias=False,
    )(features)  # fmt: skip
    norm = BatchNormalization(momentum=MOMENTUM, gamma_initializer=first_scale, name=f"{name}_norm")
    return norm(features)
