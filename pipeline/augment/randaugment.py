"""RandAugment's operations on colors: a few, drawn for each picture, one after the other."""

import dataclasses
from typing import ClassVar

import numpy as np

from base.options import option
from pipeline.augment.draws import draw
from pipeline.augment.mean import mean_luma
from pipeline.augment.operation import Examples, Feature, Operation
from pipeline.augment.scale import to_float
from pipeline.decoding.pixel_format import LUMA, PixelFormat

OPERATIONS = ("identity", "autocontrast", "solarize", "posterize", "color", "contrast", "brightness", "sharpness")
_MOST = 10.0  # the largest magnitude
# What one operation is for one picture: out = keep * picture + mean * its mean luma + luma * its luma
# + smooth * its smoothed self; with `stretch` 1, each channel from its least value to its largest instead. Then values
# from `threshold` on become 1 - value, and each becomes the next lower multiple of `step`, where that is not 0.
_SETTINGS = ("keep", "mean", "luma", "smooth", "stretch", "threshold", "step")
_NEVER = 2.0  # a threshold that no value in [0, 1] reaches


@dataclasses.dataclass(frozen=True)
class RandAugmentOptions(Operation):
    """How many operations change a picture's colors, and how far.

    The operations are those of Cubuk et al., "RandAugment: practical automated data augmentation with a reduced search
    space", 2020, that move no pixel: what moves them is the warp. Equalize is left out: it would cost more than all
    others. What a magnitude means is in that paper's source, table 6 of Cubuk et al., "AutoAugment", 2019, each so that
    it changes more with a larger magnitude: at 10 color, contrast, brightness and sharpness are scaled by 0.1 or 1.9,
    posterize leaves 4 bits, and solarize inverts all values. Each is Pillow's of that name, but in float.

    Its feature `randaugment` [batch, operations, 7] float32 holds `_SETTINGS`.
    """

    randaugment_operations: int = option(
        0, "how many operations, drawn for each picture, change its colors: brightness, sharpness, solarize ...",
        within=(0, 8),
    )  # fmt: skip
    randaugment_magnitude: float = option(9.0, "how far each of --randaugment_operations goes", within=(0.0, _MOST))

    loop: ClassVar = "randaugment"

    @property
    def features(self) -> dict[str, Feature]:
        """See `Operation`."""
        return {"randaugment": Feature(np.float32, (self.randaugment_operations, len(_SETTINGS)))}

    @property
    def active(self) -> bool:
        """See `Operation`."""
        return self.randaugment_operations > 0

    @property
    def notes(self) -> tuple[str, ...]:
        """See `Operation`."""
        if self.active or self.randaugment_magnitude == type(self)().randaugment_magnitude:
            return ()
        return (f"--randaugment_magnitude={self.randaugment_magnitude:g} without --randaugment_operations: it changes "
                "nothing",)  # fmt: skip

    def plan(self, seed: int, epoch: int, example_ids: np.ndarray, examples: Examples) -> dict[str, np.ndarray]:
        """See `Operation`."""
        numbers = range(self.randaugment_operations)
        which = draw(seed, epoch, example_ids, [f"randaugment_operation_{number}" for number in numbers])
        raised = draw(seed, epoch, example_ids, [f"randaugment_sign_{number}" for number in numbers]) < 0.5
        names = np.array(OPERATIONS)[(which * len(OPERATIONS)).astype(int)]
        return {"randaugment": settings(names, raised, self.randaugment_magnitude)}

    def apply(self, batch: dict, pixel_format: PixelFormat) -> dict:
        """See `Operation`."""
        image = to_float(batch["image"], pixel_format.full_scale)
        for number in range(self.randaugment_operations):
            image = _changed(image, batch["randaugment"][:, number])
        return batch | {"image": image}


def settings(names: np.ndarray, raised: np.ndarray, magnitude: float) -> np.ndarray:
    """float64 [..., 7]: `_SETTINGS` of the operations `names` [...]; `raised` [...] says where more is done of what
    can be done more or less of."""
    strength = magnitude / _MOST
    factor = 1.0 + 0.9 * strength * np.where(raised, 1.0, -1.0)
    blends = {"brightness": "", "contrast": "mean", "color": "luma", "sharpness": "smooth"}
    bits = 8 - round(4 * strength)
    columns = {"keep": np.where(np.isin(names, list(blends)), factor, 1.0)}
    for name, other in blends.items():
        if other:
            columns[other] = np.where(names == name, 1.0 - factor, 0.0)
    columns["stretch"] = np.where(names == "autocontrast", 1.0, 0.0)
    # Half a level lower, so that no rounding decides over a pixel's whole range.
    columns["threshold"] = np.where(names == "solarize", (256.0 * (1.0 - strength) - 0.5) / 255.0, _NEVER)
    columns["step"] = np.where((names == "posterize") & (bits < 8), 2.0 ** (8 - bits) / 255.0, 0.0)
    return np.stack([columns[name] for name in _SETTINGS], axis=-1)


def _changed(image, chosen):
    """`image` after one operation a picture, whose `_SETTINGS` are float32 [batch, 7]."""
    import tensorflow as tf

    keep, mean, luma, smooth, stretch, threshold, step = (
        chosen[:, column, None, None, None] for column in range(len(_SETTINGS))
    )
    gray = _luma(image)
    least, most = _over_pixels(tf.reduce_min, image), _over_pixels(tf.reduce_max, image)
    stretches = (stretch > 0.0) & (most > least)
    scale = 1.0 / tf.where(stretches, most - least, 1.0)
    gain = tf.where(stretches, scale, keep)
    bias = tf.where(stretches, -least * scale, mean * mean_luma(image, 1))
    out = tf.clip_by_value(gain * image + bias + luma * gray + smooth * _smoothed(image), 0.0, 1.0)
    out = tf.where(out >= threshold, 1.0 - out, out)
    # A thousandth of a step, because levels of 8 bits are not exact in float.
    return tf.where(step > 0.0, tf.floor(out / tf.maximum(step, 1e-6) + 1e-3) * step, out)


def _luma(image):
    """[batch, height, width, 1]: ITU-R BT.601's, or the picture where it is gray."""
    if image.shape[-1] == 1:
        return image
    return sum(weight * image[..., channel, None] for channel, weight in enumerate(LUMA))


def _over_pixels(reduce, image):
    """[batch, 1, 1, channels]: `reduce` over the pixels of each picture; rows first, which go in vectors."""
    import tensorflow as tf

    _, height, width, channels = image.shape
    rows = reduce(tf.reshape(image, [-1, height, width * channels]), axis=1)
    return reduce(tf.reshape(rows, [-1, 1, width, channels]), axis=2, keepdims=True)


def _smoothed(image):
    """The mean of nine neighbours, the middle one weighing 5; pixels at the edge stay, as in Pillow's SMOOTH."""
    import tensorflow as tf

    down = image[:, :-2] + image[:, 1:-1] + image[:, 2:]
    around = down[:, :, :-2] + down[:, :, 1:-1] + down[:, :, 2:]
    inner = (around + 4.0 * image[:, 1:-1, 1:-1]) * (1.0 / 13.0)
    _, height, width, _ = image.shape
    row, column = tf.range(height)[:, None, None], tf.range(width)[None, :, None]
    is_inner = (row > 0) & (row < height - 1) & (column > 0) & (column < width - 1)
    return tf.where(is_inner, tf.pad(inner, [[0, 0], [1, 1], [1, 1], [0, 0]]), image)
