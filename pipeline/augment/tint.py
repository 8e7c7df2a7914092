"""Saturation and hue: a matrix from colors to colors a picture."""

import dataclasses
from typing import ClassVar

import numpy as np

from base.options import option
from pipeline.augment.draws import draw
from pipeline.augment.operation import Examples, Feature, Operation
from pipeline.augment.scale import to_float
from pipeline.decoding.pixel_format import LUMA, PixelFormat

# Luma and two axes of color, from red, green and blue: the NTSC's YIQ.
_YIQ = np.array([LUMA, (0.596, -0.274, -0.322), (0.211, -0.523, 0.312)])


@dataclasses.dataclass(frozen=True)
class TintOptions(Operation):
    """How far colors may change, at the same luma. Gray pictures stay as they are.

    Its feature `tint` [batch, 9] float32 is a matrix from red, green and blue to red, green and blue.
    """

    saturation_fraction: float = option(0.0, "saturation is scaled by 1 - this to 1 + this", within=(0.0, 1.0))
    hue_degrees: float = option(0.0, "largest turn of the color wheel, in degrees", within=(0.0, 180.0))

    features: ClassVar = {"tint": Feature(np.float32, (9,))}

    def plan(self, seed: int, epoch: int, example_ids: np.ndarray, examples: Examples) -> dict[str, np.ndarray]:
        """See `Operation`."""
        saturation, hue = 2.0 * draw(seed, epoch, example_ids, ("saturation", "hue")).T - 1.0
        scale, angle = 1.0 + self.saturation_fraction * saturation, np.deg2rad(self.hue_degrees * hue)
        turned = np.zeros((len(example_ids), 3, 3))
        turned[:, 0, 0] = 1.0
        turned[:, 1, 1] = turned[:, 2, 2] = scale * np.cos(angle)
        turned[:, 1, 2], turned[:, 2, 1] = -scale * np.sin(angle), scale * np.sin(angle)
        return {"tint": (np.linalg.inv(_YIQ) @ turned @ _YIQ).reshape(-1, 9)}

    def apply(self, batch: dict, pixel_format: PixelFormat) -> dict:
        """See `Operation`."""
        import tensorflow as tf

        image = to_float(batch["image"], pixel_format.full_scale)
        if image.shape[-1] == 1:
            return batch | {"image": image}
        factors = tf.reshape(batch["tint"], [-1, 1, 1, 3, 3])
        turned = sum(image[..., one, None] * factors[..., one] for one in range(3))
        return batch | {"image": tf.clip_by_value(turned, 0.0, 1.0)}
