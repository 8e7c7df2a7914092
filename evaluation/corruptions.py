"""Pictures as a worse camera, light, file or frame would give them: seven corruptions, each in five severities.

Blur, noise, brightness, contrast and JPEG are those of Hendrycks & Dietterich, "Benchmarking Neural Network Robustness
to Common Corruptions and Perturbations" (2019), with the parameters of their ImageNet-C, which is made of pictures of
224 pixels a side, as a model is given them; the width of the blur, in pixels, also knows their CIFAR-10-C, of 32. They
have no severities of rotation and shift: those here are our own choice.

Pure functions of a picture, in numpy, with scipy's filters and Pillow's JPEG. What is drawn follows from the picture's
pixels, the seed, the corruption and the severity: the same picture becomes the same one in any order and batch.
"""

import dataclasses
import hashlib
import io
import math
from collections.abc import Callable, Sequence

import numpy as np
from PIL import Image

from base.hashing import fold_key, splitmix64, uniform

SEVERITIES = (1, 2, 3, 4, 5)
# Standard deviations in pixels, by the pictures' side.
_BLURS = {32: (0.4, 0.6, 0.7, 0.8, 1.0), 224: (1.0, 2.0, 3.0, 4.0, 6.0)}


@dataclasses.dataclass(frozen=True)
class Corruption:
    """One way to spoil a picture.

    Attributes:
      name: in words, as the table and the plot have it.
      unit: of the parameter, as "pixels, standard deviation".
      parameters: those of the severities 1 to 5; or (severity, (height, width)) -> parameter.
      effect: (picture, parameter, key of 64 bits) -> picture.
      on_pixels: whether `effect` takes stored pixels; else float32 values in [0, 1], which it may leave.
      only_8_bits: whether there is no such thing with 16 bits.
    """

    name: str
    unit: str
    parameters: tuple[float, ...] | Callable[[int, Sequence[int]], float]
    effect: Callable[[np.ndarray, float, int], np.ndarray]
    on_pixels: bool = False
    only_8_bits: bool = False

    def parameter(self, severity: int, sides: Sequence[int]) -> float:
        """In `unit`, for a picture of (height, width) pixels; `severity` is from 1 to 5."""
        return self.parameters(severity, sides) if callable(self.parameters) else self.parameters[severity - 1]


def blurred(values: np.ndarray, deviation_pixels: float, key: int = 0) -> np.ndarray:
    """Gaussian blur, [height, width, channels]; the edge goes on beyond itself."""
    from scipy import ndimage

    return ndimage.gaussian_filter(values, (deviation_pixels, deviation_pixels, 0), mode="nearest")


def noisy(values: np.ndarray, deviation: float, key: int) -> np.ndarray:
    """With independent normal noise in every channel of every pixel; `deviation` is that of values in [0, 1]."""
    return values + (deviation * normals(key, values.shape)).astype(values.dtype)


def brightened(values: np.ndarray, added: float, key: int = 0) -> np.ndarray:
    """The V of HSV, the largest channel, raised by `added` to at most 1; hue and saturation stay.

    All channels are multiplied by the same factor; black, which has no hue, becomes gray.
    """
    value = values.max(axis=2, keepdims=True)
    raised = np.minimum(value + np.float32(added), np.float32(1))
    return np.where(value > 0, values * (raised / np.maximum(value, np.float32(1e-9))), raised)


def with_contrast(values: np.ndarray, factor: float, key: int = 0) -> np.ndarray:
    """(value - mean) * factor + mean, of each channel's mean over the picture."""
    mean = values.mean(axis=(0, 1), keepdims=True, dtype=np.float64).astype(values.dtype)
    return (values - mean) * np.float32(factor) + mean


def rotated(values: np.ndarray, degrees: float, key: int = 0) -> np.ndarray:
    """Turned about the picture's middle, one way or the other by an even `key` or an odd one; bilinear, and the edge
    goes on beyond itself."""
    from scipy import ndimage

    turn = degrees if key % 2 == 0 else -degrees
    return ndimage.rotate(values, turn, axes=(1, 0), reshape=False, order=1, mode="nearest")


def shifted(picture: np.ndarray, pixels: float, key: int = 0) -> np.ndarray:
    """Moved by whole pixels, down, up, right or left by `key` modulo 4; the edge goes on beyond itself."""
    rows, columns = ((1, 0), (-1, 0), (0, 1), (0, -1))[key % 4]
    margin = int(pixels)
    wide = np.pad(picture, ((margin, margin), (margin, margin), (0, 0)), mode="edge")
    top, left = margin - margin * rows, margin - margin * columns
    return wide[top : top + picture.shape[0], left : left + picture.shape[1]]


def compressed(picture: np.ndarray, quality: float, key: int = 0) -> np.ndarray:
    """A uint8 picture as it comes back from a JPEG of `quality`, from 1 to 95, in libjpeg's scale; colors are stored at
    half the resolution, as cameras do."""
    image = Image.fromarray(picture[..., 0] if picture.shape[2] == 1 else picture)
    image.save(file := io.BytesIO(), "JPEG", quality=int(quality))
    with Image.open(file) as decoded:
        return np.array(decoded).reshape(picture.shape)


def _blur_pixels(severity: int, sides: Sequence[int]) -> float:
    """By the power of the shorter side that joins the paper's two; below 32 pixels the width for these, as a narrower
    one would leave the picture as it is."""
    (low, narrow), (high, wide) = ((side, widths[severity - 1]) for side, widths in _BLURS.items())
    exponent = math.log(wide / narrow) / math.log(high / low)
    return narrow * (max(min(sides), low) / low) ** exponent


def _shift_pixels(severity: int, sides: Sequence[int]) -> float:
    """A part of the shorter side."""
    return max(1, round((0.02, 0.04, 0.08, 0.12, 0.16)[severity - 1] * min(sides)))


BLUR = Corruption("blur", "pixels, standard deviation", _blur_pixels, blurred)
NOISE = Corruption("noise", "of white, standard deviation", (0.08, 0.12, 0.18, 0.26, 0.38), noisy)
BRIGHTNESS = Corruption("brightness", "of white, added", (0.1, 0.2, 0.3, 0.4, 0.5), brightened)
CONTRAST = Corruption("contrast", "of the contrast, left", (0.4, 0.3, 0.2, 0.1, 0.05), with_contrast)
JPEG = Corruption("JPEG", "quality", (25, 18, 15, 10, 7), compressed, on_pixels=True, only_8_bits=True)
ROTATION = Corruption("rotation", "degrees", (5.0, 10.0, 15.0, 20.0, 30.0), rotated)
SHIFT = Corruption("shift", "pixels", _shift_pixels, shifted, on_pixels=True)
CORRUPTIONS = (BLUR, NOISE, BRIGHTNESS, CONTRAST, JPEG, ROTATION, SHIFT)


def corruptions_of(dtype: np.dtype) -> tuple[Corruption, ...]:
    """Those that pictures of uint8, or of uint16, can have."""
    return tuple(one for one in CORRUPTIONS if not (one.only_8_bits and dtype == np.uint16))


def corrupt(picture: np.ndarray, corruption: Corruption, severity: int, seed: int, full_scale: int) -> np.ndarray:
    """A picture, spoilt.

    Args:
      picture: [height, width, channels] uint8 or uint16, 1 or 3 channels.
      severity: 1 to 5, or 0, which leaves it as it is.
      seed: of what is drawn.
      full_scale: the stored value that is white to the model, as are larger ones.

    Returns:
      The same shape and dtype, in [0, full_scale] where `corruption` is not one of stored pixels.
    """
    if not severity:
        return picture
    parameter = corruption.parameter(severity, picture.shape[:2])
    key = fold_key(hashlib.sha256(picture.tobytes()).hexdigest(), seed, corruption.name, severity)
    if corruption.on_pixels:
        return corruption.effect(picture, parameter, key)
    values = np.minimum(picture.astype(np.float32), full_scale) / np.float32(full_scale)
    white = min(1.0, np.iinfo(picture.dtype).max / full_scale)
    spoilt = np.clip(corruption.effect(values, parameter, key), 0, white)
    return np.round(spoilt * full_scale).astype(picture.dtype)


def normals(key: int, shape: Sequence[int]) -> np.ndarray:
    """float64 of `shape`, normal with mean 0 and deviation 1, a function of `key` and place alone.

    Box & Muller, "A note on the generation of random normal deviates" (1958), of SplitMix64's bits.
    """
    count = math.prod(shape)
    half = -(-count // 2)
    radii, angles = uniform(splitmix64(np.arange(2 * half, dtype=np.uint64) + np.uint64(key))).reshape(2, half)
    radii, angles = np.sqrt(-2 * np.log1p(-radii)), 2 * np.pi * angles
    return np.concatenate([radii * np.cos(angles), radii * np.sin(angles)])[:count].reshape(shape)
