"""Brightness and contrast: a gain and a bias a picture."""

import dataclasses
from typing import ClassVar

import numpy as np

from base.options import option
from pipeline.augment.draws import draw
from pipeline.augment.mean import mean_luma
from pipeline.augment.operation import Examples, Feature, Operation
from pipeline.augment.scale import to_float
from pipeline.decoding.pixel_format import PixelFormat

# Of which rows contrast takes its mean: all of them would take XLA a fifth of what the whole preset `medium` takes.
ROW_STEP = 4


@dataclasses.dataclass(frozen=True)
class ColorOptions(Operation):
    """How far pixel values may change.

    Its feature `color` [batch, 3] float32 has a gain, a bias and a share. The values, of a range from 0 to 1, are
    multiplied by the gain, then the bias is added, and the share of the picture's mean luma before it was warped: so
    contrast keeps a dark picture's values about what they are, as Pillow's does, where about 0.5 it would turn black.
    """

    brightness_fraction: float = option(
        0.0, "largest change of brightness, as a fraction of the value range", within=(0.0, 1.0)
    )
    contrast_fraction: float = option(
        0.0, "contrast is scaled by 1 - this to 1 + this, about the picture's mean", within=(0.0, 1.0)
    )

    features: ClassVar = {"color": Feature(np.float32, (3,))}
    loop: ClassVar = "warp"

    def plan(self, seed: int, epoch: int, example_ids: np.ndarray, examples: Examples) -> dict[str, np.ndarray]:
        """See `Operation`."""
        brightness, contrast = 2.0 * draw(seed, epoch, example_ids, ("brightness", "contrast")).T - 1.0
        gain = 1.0 + self.contrast_fraction * contrast
        return {"color": np.stack([gain, self.brightness_fraction * brightness, 1.0 - gain], axis=1)}

    def apply(self, batch: dict, pixel_format: PixelFormat) -> dict:
        """See `Operation`."""
        import tensorflow as tf

        gain, bias, share = (batch["color"][:, column, None, None, None] for column in range(3))
        image = to_float(batch["image"], pixel_format.full_scale)
        if self.contrast_fraction:
            bias += share * mean_luma(batch["unchanged"], pixel_format.full_scale, ROW_STEP)
        return batch | {"image": tf.clip_by_value(image * gain + bias, 0.0, 1.0)}
