"""How pictures are decoded and augmented: frozen options that refuse bad values at birth. Imports no TensorFlow."""

import dataclasses

import numpy as np

from sources.errors import UserError


@dataclasses.dataclass(frozen=True)
class PixelFormat:
    """The shape and depth every picture is decoded to.

    Attributes:
      image_size: side of the square picture, in pixels.
      channels: 1 (grey) or 3 (red, green, blue).
      bit_depth: bits a channel, 8 (uint8 in [0, 255]) or 16 (uint16 in [0, 65535], depth and scientific images).
    """

    image_size: int
    channels: int = 3
    bit_depth: int = 8

    def __post_init__(self):
        if not 8 <= self.image_size <= 2048:
            raise UserError(f"image_size is {self.image_size}: it must be from 8 to 2048 pixels")
        if self.channels not in (1, 3):
            raise UserError(f"channels is {self.channels}: it must be 1 (grey) or 3 (colour)")
        if self.bit_depth not in (8, 16):
            raise UserError(f"bit_depth is {self.bit_depth}: it must be 8 or 16")

    @property
    def dtype(self) -> np.dtype:
        """uint8 or uint16."""
        return np.dtype(np.uint8 if self.bit_depth == 8 else np.uint16)

    @property
    def shape(self) -> tuple[int, int, int]:
        """(height, width, channels)."""
        return (self.image_size, self.image_size, self.channels)

    @property
    def nbytes(self) -> int:
        """Bytes of one decoded picture."""
        return self.image_size * self.image_size * self.channels * self.dtype.itemsize


@dataclasses.dataclass(frozen=True)
class AugmentOptions:
    """How far each knob may turn; zero turns it off.

    Attributes:
      rotate_degrees: angle drawn from +-this.
      shift_fraction: each axis is shifted by +-this, of the picture's side.
      shear_degrees: shear angle drawn from +-this.
      zoom_fraction: each axis is scaled by a factor from 1 -+ this.
      horizontal_flip: mirror left and right, half of the time.
      vertical_flip: mirror up and down, half of the time.
      brightness_fraction: add +-this, of the value range.
      contrast_fraction: multiply the distance from mid-grey by a factor from 1 -+ this.
    """

    rotate_degrees: float = 0.0
    shift_fraction: float = 0.0
    shear_degrees: float = 0.0
    zoom_fraction: float = 0.0
    horizontal_flip: bool = False
    vertical_flip: bool = False
    brightness_fraction: float = 0.0
    contrast_fraction: float = 0.0

    def __post_init__(self):
        limits = {"rotate_degrees": 180.0, "shear_degrees": 80.0, "zoom_fraction": 0.95}
        for field in dataclasses.fields(self):
            value, limit = getattr(self, field.name), limits.get(field.name, 1.0)
            if not 0 <= value <= limit:
                raise UserError(f"--{field.name}={value}: it must be from 0 to {limit:g}")

    @property
    def active(self) -> bool:
        """Whether any knob is turned."""
        return self != AugmentOptions()


AUGMENT_PRESETS = {
    "none": AugmentOptions(),
    "light": AugmentOptions(rotate_degrees=10.0, shift_fraction=0.1, zoom_fraction=0.1),
    "report": AugmentOptions(20.0, 0.2, 0.1, 0.2, True),
    "strong": AugmentOptions(30.0, 0.2, 10.0, 0.3, True, False, 0.2, 0.2),
}
