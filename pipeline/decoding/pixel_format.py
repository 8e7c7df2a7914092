"""What pictures are decoded to: frozen options that refuse bad values at birth. Imports no TensorFlow."""

import dataclasses

import numpy as np

from base.errors import UserError, unknown_name

IMAGE_SIZES = (8, 2048)  # pixels a side, smallest and largest
MAX_FULL_SCALE = 65_535
RESIZES = ("squash", "crop", "pad")
LUMA = (0.299, 0.587, 0.114)  # of red, green and blue: ITU-R BT.601, the Y of a JPEG and Pillow's "L"


@dataclasses.dataclass(frozen=True)
class PixelFormat:
    """The shape and depth every picture is decoded to.

    Attributes:
      height, width: of the picture, in pixels.
      channels: 1 (gray) or 3 (red, green, blue).
      bit_depth: bits a channel, 8 (uint8 in [0, 255]) or 16 (uint16 in [0, 65535], depth and scientific images).
      background: red, green and blue in [0, 255], on which transparent pictures are laid, and padded ones.
      full_scale: the pixel value that becomes 1.0, as higher ones do; 0 is the largest that there is. What is decoded
        does not depend on it.
      resize: how a picture of other proportions gets this height and width: one of `RESIZES`, see `resize`.
    """

    height: int
    width: int
    channels: int = 3
    bit_depth: int = 8
    full_scale: int = 0
    background: tuple[int, int, int] = (255, 255, 255)
    resize: str = "squash"

    @classmethod
    def square(cls, side: int, *others, **named) -> "PixelFormat":
        """Of pictures of `side` x `side` pixels; the other arguments are those of the class, from `channels` on."""
        return cls(side, side, *others, **named)

    def __post_init__(self):
        low, high = IMAGE_SIZES
        if not (low <= self.height <= high and low <= self.width <= high):
            raise UserError(
                f"image_size is {shown_size(self.height, self.width)}: it must be from {low} to {high} pixels"
            )
        if self.channels not in (1, 3):
            raise UserError(f"channels is {self.channels}: it must be 1 (gray) or 3 (color)")
        if self.bit_depth not in (8, 16):
            raise UserError(f"bit_depth is {self.bit_depth}: it must be 8 or 16")
        if not 0 <= self.full_scale <= MAX_FULL_SCALE:
            raise UserError(f"full_scale is {self.full_scale}: it must be from 0 to {MAX_FULL_SCALE}")
        if self.resize not in RESIZES:
            raise unknown_name("resize", self.resize, RESIZES)
        object.__setattr__(self, "full_scale", self.full_scale or 2**self.bit_depth - 1)

    @property
    def stored(self) -> tuple:
        """All that decoded pixels depend on: size and resize, channels, bit_depth, background."""
        # One number for what was there before the other ways, so that packs of that time stay valid.
        is_squashed_square = self.height == self.width and self.resize == "squash"
        size = self.height if is_squashed_square else (self.height, self.width, self.resize)
        return (size, self.channels, self.bit_depth, self.background)

    @property
    def dtype(self) -> np.dtype:
        """uint8 or uint16."""
        return np.dtype(np.uint8 if self.bit_depth == 8 else np.uint16)

    @property
    def shape(self) -> tuple[int, int, int]:
        """(height, width, channels)."""
        return (self.height, self.width, self.channels)

    @property
    def nbytes(self) -> int:
        """Bytes of one decoded picture."""
        return self.height * self.width * self.channels * self.dtype.itemsize


def shown_size(height: int, width: int) -> str:
    """A size in pixels as --image_size takes it: "224" for a square, else "height,width"."""
    return f"{height}" if height == width else f"{height},{width}"
