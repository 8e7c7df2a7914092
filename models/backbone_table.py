"""Which keras.applications networks there are, and what each was trained to be fed. Imports no TensorFlow."""

import dataclasses
from collections.abc import Mapping


@dataclasses.dataclass(frozen=True)
class ValueRange:
    """`scale` and `offset`, numbers or one a channel in the network's own order, that take [0, 1] to what it wants.

    `words` say it in the documentation; `is_bgr` is true where the network's first channel is blue.
    """

    words: str
    scale: float | tuple[float, float, float]
    offset: float | tuple[float, float, float]
    is_bgr: bool = False


# ImageNet's mean and standard deviation of red, green and blue in [0, 1].
MEAN = (0.485, 0.456, 0.406)
DEVIATION = (0.229, 0.224, 0.225)
# keras.applications' "tf" mode: x / 127.5 - 1 of [0, 255], which is 2 x - 1 of [0, 1].
MINUS_ONE_TO_ONE = ValueRange("-1 to 1", 2.0, -1.0)
# The larger EfficientNetV2's own: x / 128 - 1 of [0, 255].
MINUS_ONE_TO_BELOW_ONE = ValueRange("-1 to 0.992", 255 / 128, -1.0)
# Its "torch" mode.
STANDARDIZED = ValueRange(
    "red, green and blue less ImageNet's mean, by its deviation",
    tuple(1 / deviation for deviation in DEVIATION),
    tuple(-mean / deviation for mean, deviation in zip(MEAN, DEVIATION, strict=True)),
)
# Its "caffe" mode.
BLUE_FIRST = ValueRange(
    "blue, green and red in 0 to 255 less ImageNet's mean", 255.0, (-103.939, -116.779, -123.68), is_bgr=True
)


@dataclasses.dataclass(frozen=True)
class Backbone:
    """A network of keras.applications without its top.

    Attributes:
      constructor: its name in keras.applications.
      value_range: that of the pictures that it was trained on.
      parameters_millions: how many numbers it has, those of BatchNorm's statistics too.
      imagenet_sides: of the pictures, in pixels, that there are weights of; the last is the usual one.
      settings: arguments of the constructor; its own preprocessing, where it can be turned off, is off.
      smallest_side: of a picture, in pixels, that keras.applications takes.
    """

    constructor: str
    value_range: ValueRange
    parameters_millions: float
    imagenet_sides: tuple[int, ...] = (224,)
    settings: Mapping[str, object] = dataclasses.field(default_factory=dict)
    smallest_side: int = 32

    def imagenet_side(self, height: int, width: int) -> int:
        """The side, in pixels, of the pictures that the "imagenet" weights for pictures of this size are of."""
        return height if height == width and height in self.imagenet_sides else self.imagenet_sides[-1]


_V1_SIDES = (128, 160, 192, 224)
_V2_SIDES = (96, 128, 160, 192, 224)
_BARE = {"include_preprocessing": False}


def _bare(constructor: str, value_range: ValueRange, parameters: float, side: int = 224, **settings) -> Backbone:
    return Backbone(constructor, value_range, parameters, (side,), _BARE | settings)


BACKBONES = {
    "mobilenet_v2": Backbone("MobileNetV2", MINUS_ONE_TO_ONE, 2.26, _V2_SIDES),
    "mobilenet_v2_035": Backbone("MobileNetV2", MINUS_ONE_TO_ONE, 0.41, _V2_SIDES, {"alpha": 0.35}),
    "mobilenet_v2_050": Backbone("MobileNetV2", MINUS_ONE_TO_ONE, 0.71, _V2_SIDES, {"alpha": 0.5}),
    "mobilenet_v2_075": Backbone("MobileNetV2", MINUS_ONE_TO_ONE, 1.38, _V2_SIDES, {"alpha": 0.75}),
    "mobilenet_v2_130": Backbone("MobileNetV2", MINUS_ONE_TO_ONE, 3.77, _V2_SIDES, {"alpha": 1.3}),
    "mobilenet_v2_140": Backbone("MobileNetV2", MINUS_ONE_TO_ONE, 4.36, _V2_SIDES, {"alpha": 1.4}),
    "mobilenet_v3_small": _bare("MobileNetV3Small", MINUS_ONE_TO_ONE, 0.94),
    "mobilenet_v3_small_075": _bare("MobileNetV3Small", MINUS_ONE_TO_ONE, 0.58, alpha=0.75),
    "mobilenet_v3_small_minimalistic": _bare("MobileNetV3Small", MINUS_ONE_TO_ONE, 0.44, minimalistic=True),
    "mobilenet_v3_large": _bare("MobileNetV3Large", MINUS_ONE_TO_ONE, 3.0),
    "mobilenet_v3_large_075": _bare("MobileNetV3Large", MINUS_ONE_TO_ONE, 1.81, alpha=0.75),
    "mobilenet_v3_large_minimalistic": _bare("MobileNetV3Large", MINUS_ONE_TO_ONE, 1.44, minimalistic=True),
    "mobilenet": Backbone("MobileNet", MINUS_ONE_TO_ONE, 3.23, _V1_SIDES),
    "mobilenet_025": Backbone("MobileNet", MINUS_ONE_TO_ONE, 0.22, _V1_SIDES, {"alpha": 0.25}),
    "mobilenet_050": Backbone("MobileNet", MINUS_ONE_TO_ONE, 0.83, _V1_SIDES, {"alpha": 0.5}),
    "mobilenet_075": Backbone("MobileNet", MINUS_ONE_TO_ONE, 1.83, _V1_SIDES, {"alpha": 0.75}),
    "nasnet_mobile": Backbone("NASNetMobile", MINUS_ONE_TO_ONE, 4.27),
    "nasnet_large": Backbone("NASNetLarge", MINUS_ONE_TO_ONE, 84.92, (331,)),
    "efficientnet_b0": Backbone("EfficientNetB0", STANDARDIZED, 4.05, (224,)),
    "efficientnet_b1": Backbone("EfficientNetB1", STANDARDIZED, 6.58, (240,)),
    "efficientnet_b2": Backbone("EfficientNetB2", STANDARDIZED, 7.77, (260,)),
    "efficientnet_b3": Backbone("EfficientNetB3", STANDARDIZED, 10.78, (300,)),
    "efficientnet_b4": Backbone("EfficientNetB4", STANDARDIZED, 17.67, (380,)),
    "efficientnet_b5": Backbone("EfficientNetB5", STANDARDIZED, 28.51, (456,)),
    "efficientnet_b6": Backbone("EfficientNetB6", STANDARDIZED, 40.96, (528,)),
    "efficientnet_b7": Backbone("EfficientNetB7", STANDARDIZED, 64.1, (600,)),
    "efficientnet_v2_b0": _bare("EfficientNetV2B0", STANDARDIZED, 5.92, 224),
    "efficientnet_v2_b1": _bare("EfficientNetV2B1", STANDARDIZED, 6.93, 240),
    "efficientnet_v2_b2": _bare("EfficientNetV2B2", STANDARDIZED, 8.77, 260),
    "efficientnet_v2_b3": _bare("EfficientNetV2B3", STANDARDIZED, 12.93, 300),
    "efficientnet_v2_s": _bare("EfficientNetV2S", MINUS_ONE_TO_BELOW_ONE, 20.33, 384),
    "efficientnet_v2_m": _bare("EfficientNetV2M", MINUS_ONE_TO_BELOW_ONE, 53.15, 480),
    "efficientnet_v2_l": _bare("EfficientNetV2L", MINUS_ONE_TO_BELOW_ONE, 117.75, 480),
    "resnet50": Backbone("ResNet50", BLUE_FIRST, 23.59),
    "resnet101": Backbone("ResNet101", BLUE_FIRST, 42.66),
    "resnet152": Backbone("ResNet152", BLUE_FIRST, 58.37),
    "resnet50_v2": Backbone("ResNet50V2", MINUS_ONE_TO_ONE, 23.56),
    "resnet101_v2": Backbone("ResNet101V2", MINUS_ONE_TO_ONE, 42.63),
    "resnet152_v2": Backbone("ResNet152V2", MINUS_ONE_TO_ONE, 58.33),
    "densenet121": Backbone("DenseNet121", STANDARDIZED, 7.04),
    "densenet169": Backbone("DenseNet169", STANDARDIZED, 12.64),
    "densenet201": Backbone("DenseNet201", STANDARDIZED, 18.32),
    "convnext_tiny": _bare("ConvNeXtTiny", STANDARDIZED, 27.82),
    "convnext_small": _bare("ConvNeXtSmall", STANDARDIZED, 49.45),
    "convnext_base": _bare("ConvNeXtBase", STANDARDIZED, 87.57),
    "convnext_large": _bare("ConvNeXtLarge", STANDARDIZED, 196.23),
    "convnext_xlarge": _bare("ConvNeXtXLarge", STANDARDIZED, 348.15),
    "inception_v3": Backbone("InceptionV3", MINUS_ONE_TO_ONE, 21.8, (299,), smallest_side=75),
    "inception_resnet_v2": Backbone("InceptionResNetV2", MINUS_ONE_TO_ONE, 54.34, (299,), smallest_side=75),
    "xception": Backbone("Xception", MINUS_ONE_TO_ONE, 20.86, (299,), smallest_side=71),
    "vgg16": Backbone("VGG16", BLUE_FIRST, 14.71),
    "vgg19": Backbone("VGG19", BLUE_FIRST, 20.02),
}
