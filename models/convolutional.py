"""The four plain CNNs of the two reports.

Blocks of Conv(3x3, relu, valid padding) and 2x2 max-pooling, Flatten, one hidden Dense layer with relu, then the head.
`catdog_*` are built as their report describes them. Its own code forgot to add the Dropout layer and left the first
convolution linear; here the Dropout is in the model and every convolution has its relu.
"""

import dataclasses

import keras

from base.errors import UserError
from models.layers import Layers
from pipeline.decoding.pixel_format import shown_size


@dataclasses.dataclass(frozen=True)
class Recipe:
    """`filters`, a block's channels, `units` of the hidden Dense layer, and the fraction of them that is dropped.

    `single_unit`: whether two classes end in one sigmoid unit rather than in two logits.
    """

    filters: tuple[int, ...]
    units: int
    dropout: float
    single_unit: bool


RECIPES = {
    "realsense_cnn": Recipe((32, 32), 64, dropout=0.0, single_unit=False),
    "catdog_1": Recipe((32, 64, 64), 64, dropout=0.2, single_unit=True),
    "catdog_2": Recipe((32, 64, 64, 64), 248, dropout=0.2, single_unit=True),
    "catdog_3": Recipe((32, 64, 128), 128, dropout=0.2, single_unit=True),
}


def build_features(image: keras.KerasTensor, layers: Layers) -> keras.KerasTensor:
    """[batch, units] in the compute dtype, 0 or more, from [batch, height, width, channels] in [0, 1].

    Raises UserError where the blocks would shrink the picture to nothing.
    """
    options, recipe = layers.options, RECIPES[layers.options.name]
    filters = options.filters or recipe.filters
    sides, least = image.shape[1:3], smallest_side(len(filters))
    if min(sides) < least:
        raise UserError(
            f"--image_size={shown_size(*sides)}: {options.name} with {len(filters)} blocks needs at least {least} "
            "pixels a side; use larger pictures or fewer filters"
        )
    features = _crop_unread(image, len(filters))
    for position, width in enumerate(filters, start=1):
        features = _block(features, layers, f"block{position}", width)
    features = keras.layers.Flatten(name="flatten")(features)
    return layers.dense("dense", options.units or recipe.units, activation="relu")(features)


def smallest_side(blocks: int) -> int:
    """The side in pixels of the smallest picture that `blocks` blocks leave one pixel of."""
    return _side_before(1, blocks)


def read_side(side: int, blocks: int) -> int:
    """How many of the first `side` pixels of an axis reach the end of `blocks` blocks.

    A 2x2 pooling of an odd side never reads the last row, so nothing that only this row depends on matters.
    """
    for _ in range(blocks):
        side = (side - 2) // 2
    return _side_before(side, blocks)


def _side_before(side: int, blocks: int) -> int:
    for _ in range(blocks):
        side = 2 * side + 2
    return side


def _crop_unread(image: keras.KerasTensor, blocks: int) -> keras.KerasTensor:
    # The same logits and gradients for less: catdog_2 at 112 pixels reads 110 of them, and its second convolution
    # then makes 52x52 numbers instead of 53x53 of which the pooling drops a row. 3 % of a CPU train step.
    unread = [side - read_side(side, blocks) for side in image.shape[1:3]]
    if not any(unread):
        return image
    return keras.layers.Cropping2D([(0, count) for count in unread], name="crop_unread")(image)


def _block(features: keras.KerasTensor, layers: Layers, name: str, filters: int) -> keras.KerasTensor:
    features = layers.convolution(f"{name}_conv", filters)(features)
    features = keras.layers.MaxPooling2D(2, name=f"{name}_pool")(features)
    # relu after the pooling, on a quarter of the numbers: relu never swaps two values, so max(relu(x)) is
    # relu(max(x)), and the gradient reaches the same pixel. 4 to 6 % of a CPU train step in mixed_bfloat16.
    return keras.layers.ReLU(name=f"{name}_relu")(features)
