"""keras.applications networks without their top, each fed the value range it was trained with.

The range is part of the model (one float32 layer named "rescale"), so a picture in [0, 1] is all that anyone has to
hand over. Backbones are built again from their own description with every seed, and every name that Keras counts up,
replaced: keras.applications takes no seed, and two builds in one process would differ. BatchNorm on several replicas:
see `residual.py`.
"""

import dataclasses
import re
import warnings
from collections.abc import Callable

import h5py
import keras

from base.errors import UserError
from models.layers import BatchNormalization, Dropout, Layers, LayerScale
from models.options import ModelOptions
from pipeline.decoding.pixel_format import shown_size

# keras.applications' "tf" mode: x / 127.5 - 1 of [0, 255], which is 2 x - 1 of [0, 1].
MINUS_ONE_TO_ONE = (2.0, -1.0)
# Its "torch" mode: ImageNet's mean and standard deviation of red, green and blue in [0, 1].
MEAN = (0.485, 0.456, 0.406)
DEVIATION = (0.229, 0.224, 0.225)
STANDARDIZED = (
    tuple(1 / deviation for deviation in DEVIATION),
    tuple(-mean / deviation for mean, deviation in zip(MEAN, DEVIATION, strict=True)),
)
SMALLEST_SIDE = 32
# keras.applications' 0.999 (MobileNet) and 0.99 remember 1000 and 100 steps. On a few thousand pictures validation
# would see ImageNet's statistics for many epochs. It does not change what given weights compute.
MOMENTUM = 0.9


@dataclasses.dataclass(frozen=True)
class Backbone:
    """`construct`, of keras.applications, with its `settings`; its own preprocessing, where it has one, is off.

    `rescale` is (scale, offset), numbers or one a channel, that take [0, 1] to the range the backbone wants.
    `imagenet_sides` are those of the pictures, in pixels, that there are weights of; the last is the usual one.
    """

    construct: Callable[..., keras.Model]
    rescale: tuple
    settings: dict = dataclasses.field(default_factory=dict)
    imagenet_sides: tuple[int, ...] = (224,)


# Where Keras' own layer names a variable by a counter of the process, so that two builds would differ, and where it
# counts padding.
REPLACED = {"BatchNormalization": BatchNormalization, "Dropout": Dropout, "LayerScale": LayerScale}
BARE = {"include_preprocessing": False}
MOBILENET_SIDES = (96, 128, 160, 192, 224)
BACKBONES = {
    "mobilenet_v2": Backbone(keras.applications.MobileNetV2, MINUS_ONE_TO_ONE, imagenet_sides=MOBILENET_SIDES),
    "mobilenet_v2_035": Backbone(
        keras.applications.MobileNetV2, MINUS_ONE_TO_ONE, {"alpha": 0.35}, imagenet_sides=MOBILENET_SIDES
    ),
    "mobilenet_v3_small": Backbone(keras.applications.MobileNetV3Small, MINUS_ONE_TO_ONE, BARE),
    "efficientnet_v2_b0": Backbone(keras.applications.EfficientNetV2B0, STANDARDIZED, BARE),
    "resnet50_v2": Backbone(keras.applications.ResNet50V2, MINUS_ONE_TO_ONE),
    "convnext_tiny": Backbone(keras.applications.ConvNeXtTiny, STANDARDIZED, BARE),
    "densenet121": Backbone(keras.applications.DenseNet121, STANDARDIZED),
}


def build_features(image: keras.KerasTensor, layers: Layers) -> keras.KerasTensor:
    """[batch, channels] in the compute dtype, from pixels in [0, 1]; a gray channel is repeated.

    Raises UserError for a picture below 32 pixels and for weights that cannot be had or do not fit.
    """
    name, sides = layers.options.name, image.shape[1:3]
    if min(sides) < SMALLEST_SIDE:
        raise UserError(f"--image_size={shown_size(*sides)}: {name} needs at least {SMALLEST_SIDE} pixels a side")
    backbone = load_weights(construct(layers, (*image.shape[1:3], 3)), layers.options)
    if image.shape[-1] != 3:
        image = keras.layers.Concatenate(dtype="float32", name="gray_to_color")([image] * 3)
    return keras.layers.GlobalAveragePooling2D(name="pool")(backbone(rescale(image, name)))


def rescale(image: keras.KerasTensor, name: str) -> keras.KerasTensor:
    """[batch, height, width, 3] float32 in the range that the backbone `name` wants, from [0, 1]."""
    scale, offset = BACKBONES[name].rescale
    # Always float32: bfloat16 would shift 8-bit pixels by up to 1.4 of 255 levels; rounded after it, by 0.4.
    return keras.layers.Rescaling(scale, offset, dtype="float32", name="rescale")(image)


def imagenet_side(name: str, height: int, width: int) -> int:
    """The side, in pixels, of the pictures that the backbone's "imagenet" weights for pictures of this size are of."""
    sides = BACKBONES[name].imagenet_sides
    return height if height == width and height in sides else sides[-1]


def construct(layers: Layers, pixel_shape: tuple[int, int, int]) -> keras.Model:
    """The backbone without its top, [batch, height, width, 3] -> [batch, rows, columns, channels], drawn or fetched.

    Raises UserError where "imagenet" cannot be fetched; a file of weights is `load_weights`' part.
    """
    options, chosen = layers.options, BACKBONES[layers.options.name]
    weights = "imagenet" if options.weights == "imagenet" else None
    try:
        with warnings.catch_warnings():
            # Of weights of another size than the pictures': the log says it with `imagenet_side`.
            warnings.simplefilter("ignore")
            model = chosen.construct(include_top=False, weights=weights, input_shape=pixel_shape, **chosen.settings)
    # Keras raises a bare Exception where the download fails.
    except Exception as error:
        if not weights:
            raise
        raise UserError(
            f"--weights=imagenet: those of {options.name} could not be fetched ({_one_line(error)}); "
            "copy the no_top .h5 file here and give its path as weights"
        ) from error
    seeded = rebuild(model, layers)
    if weights:
        seeded.set_weights(model.get_weights())
    return seeded


def load_weights(backbone: keras.Model, options: ModelOptions) -> keras.Model:
    """`backbone`, with the values of the file of weights where the options name one.

    Raises UserError for a file that is not there or holds something else.
    """
    if options.weights in ("none", "imagenet"):
        return backbone
    try:
        with warnings.catch_warnings():
            # Keras warns and goes on where the file lacks a layer; the count below refuses such a file.
            warnings.simplefilter("ignore")
            backbone.load_weights(options.weights)
        _check_count(options.weights, len(backbone.weights))
        for variable in backbone.weights:
            if not keras.ops.all(keras.ops.isfinite(variable)):
                raise ValueError(f"{variable.path} holds values that are not finite")
    except FileNotFoundError as error:
        raise UserError(f"--weights={options.weights!r}: there is no such file") from error
    except Exception as error:  # h5py and Keras have a dozen types for what a flipped bit can do
        raise UserError(
            f"--weights={options.weights!r}: not the weights of {options.name} without its top "
            f"({_one_line(error)}); give a file saved from that backbone, or none"
        ) from error
    return backbone


def _check_count(path: str, expected: int) -> None:
    if path.endswith(".weights.h5"):
        arrays = []
        with h5py.File(path) as file:
            file.visititems(lambda name, entry: arrays.append(name) if isinstance(entry, h5py.Dataset) else None)
        if len(arrays) != expected:
            raise ValueError(f"it holds {len(arrays)} arrays, not {expected}")


def rebuild(model: keras.Model, layers: Layers) -> keras.Model:
    """The same network with new variables: every seed and every counted name replaced, its kernels regularized."""
    positions = {id(operation): position for position, operation in enumerate(model.operations)}

    def clone(layer: keras.Operation) -> keras.Operation:
        config = layer.get_config()
        config["name"] = _stable_name(layer, positions.get(id(layer), 0))
        _fill_seeds(config, config["name"], layers)
        for key in config.keys() & {"kernel_regularizer", "depthwise_regularizer"}:
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


def _one_line(error: Exception) -> str:
    return " ".join(str(error).split())[:240]
