"""Brightness and contrast: a gain and a bias a picture."""

import dataclasses
from typing import ClassVar

import numpy as np

from base.options import option
from pipeline.augment.draws import draw
from pipeline.augment.operation import Examples, Feature, Operation
from pipeline.augment.scale import to_float
from pipeline.decoding.pixel_format import PixelFormat


@dataclasses.dataclass(frozen=True)
class ColorOptions(Operation):
    """How far pixel values may change.

    Its feature `color` [batch, 2] float32 has a gain and a bias; the values, of a range from 0 to 1, are multiplied by
    the one, then the other is added.
    """

    brightness_fraction: float = option(
        0.0, "largest change of brightness, as a fraction of the value range", within=(0.0, 1.0)
    )
    contrast_fraction: float = option(0.0, "contrast is scaled by 1 - this to 1 + this", within=(0.0, 1.0))

    features: ClassVar = {"color": Feature(np.float32, (2,))}
    loop: ClassVar = "warp"

    def plan(self, seed: int, epoch: int, example_ids: np.ndarray, examples: Examples) -> dict[str, np.ndarray]:
        """See `Operation`."""
        brightness, contrast = 2.0 * draw(seed, epoch, example_ids, ("brightness", "contrast")).T - 1.0
        gain = 1.0 + self.contrast_fraction * contrast
        bias = 0.5 * (1.0 - gain) + self.brightness_fraction * brightness
        return {"color": np.stack([gain, bias], axis=1)}

    def apply(self, batch: dict, pixel_format: PixelFormat) -> dict:
        """See `Operation`."""
        import tensorflow as tf

        gain, bias = (batch["color"][:, column, None, None, None] for column in range(2))
        image = to_float(batch["image"], pixel_format.full_scale)
        return batch | {"image": tf.clip_by_value(image * gain + bias, 0.0, 1.0)}
