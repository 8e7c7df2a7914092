"""residual_small: a small residual network with pre-activation, for 32 to 128 pixels and many classes.

After He et al., "Identity Mappings in Deep Residual Networks" (2016): BatchNorm-relu-Conv twice, added to the input.
The default has 0.7 million parameters, whatever the picture's size.

On several replicas BatchNorm normalizes by its own replica's rows: the statistics come from fewer pictures than the
global batch holds, so results vary a little with the number of replicas. Each replica keeps moving averages of its own,
and a read from outside gives those of the first. Rows that only pad the last batch are in no statistics.
"""

import keras

from models.layers import BatchNormalization, Layers
from models.parts import FEATURES_LAYER

FILTERS = (32, 64, 128)
BLOCKS_A_STAGE = 2
# Keras' own 0.99 remembers 100 steps, 5 epochs of a small data set: validation would lag behind the weights.
MOMENTUM = 0.9
# From this side on the first convolution halves the picture, so that 64 pixels cost what 32 do.
HALVE_FROM_PIXELS = 64


def build_features(image: keras.KerasTensor, layers: Layers) -> keras.KerasTensor:
    """[batch, channels of the last stage] in the compute dtype, from pixels in [0, 1]."""
    widths = layers.options.filters or FILTERS
    stem_stride = 2 if min(image.shape[1:3]) >= HALVE_FROM_PIXELS else 1
    features = _convolution(layers, "stem_conv", widths[0], stem_stride)(image)
    for stage, width in enumerate(widths, start=1):
        for block in range(1, (layers.options.blocks or BLOCKS_A_STAGE) + 1):
            stride = 2 if block == 1 and stage > 1 else 1
            features = _block(features, layers, f"stage{stage}_block{block}", width, stride)
    features = _normalized_relu(features, "last")
    return keras.layers.GlobalAveragePooling2D(name=FEATURES_LAYER)(features)


def _block(features: keras.KerasTensor, layers: Layers, name: str, width: int, stride: int) -> keras.KerasTensor:
    active = _normalized_relu(features, f"{name}_first")
    shortcut = features
    if stride > 1 or features.shape[-1] != width:
        shortcut = _convolution(layers, f"{name}_shortcut", width, stride, kernel_size=1)(active)
    residual = _convolution(layers, f"{name}_conv1", width, stride)(active)
    residual = _normalized_relu(residual, f"{name}_second")
    residual = _convolution(layers, f"{name}_conv2", width, 1)(residual)
    return keras.layers.Add(name=f"{name}_add")([shortcut, residual])


def _normalized_relu(features: keras.KerasTensor, name: str) -> keras.KerasTensor:
    features = BatchNormalization(momentum=MOMENTUM, name=f"{name}_norm")(features)
    return keras.layers.ReLU(name=f"{name}_relu")(features)


def _convolution(layers: Layers, name: str, width: int, stride: int, **settings) -> keras.layers.Conv2D:
    # No bias: the BatchNorm that follows would subtract it.
    return layers.convolution(
        name, width, initializer=keras.initializers.HeNormal, strides=stride, padding="same", use_bias=False, **settings
    )
