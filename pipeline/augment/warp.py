"""The geometric knobs, composed into one matrix a picture and applied by one bilinear warp.

The matrices are made on the host, in float64, from keyed draws; the graph does only the heavy part. Rotation, shift,
shear and zoom compose as in Keras's legacy `ImageDataGenerator` (keras/src/legacy/preprocessing/image.py,
`apply_affine_transform`), so its parameters can be carried over; flips follow. All of that happens to a picture of the
size that comes out; the crop comes first and says which part of the stored one that is.
"""

import dataclasses
from collections.abc import Callable
from typing import ClassVar

import numpy as np

from base.errors import UserError
from base.options import option
from pipeline.augment.draws import draw
from pipeline.augment.operation import Examples, Feature, Operation
from pipeline.augment.scale import limited
from pipeline.decoding.pixel_format import PixelFormat

_KNOBS = ("rotate", "shift_rows", "shift_columns", "shear", "zoom_rows", "zoom_columns", "horizontal_flip",
          "vertical_flip")  # fmt: skip
_CROP_KNOBS = ("crop_area", "crop_ratio", "crop_row", "crop_column")
CROP_RATIO = (3 / 4, 4 / 3)  # width over height


@dataclasses.dataclass(frozen=True)
class WarpOptions(Operation):
    """How far pictures are moved, and which part of them is seen.

    A crop has the area and the proportions of Szegedy et al., "Going deeper with convolutions", 2014, section 6, with
    the latter drawn evenly in their logarithm, as in torchvision's RandomResizedCrop. Proportions are drawn first, then
    the area as far as such a crop fits into the picture, so that nothing is drawn again.

    Its feature `warp` [batch, 6] float32 is a 2x3 matrix from output to input pixel coordinates: output pixel (row,
    column) takes its value at `matrix @ (row, column, 1)` of the input, bilinear, with the nearest edge pixel outside
    of the picture, as scipy.ndimage.affine_transform(order=1, mode="nearest").
    """

    rotate_degrees: float = option(0.0, "largest rotation, in degrees", within=(0.0, 180.0))
    shift_fraction: float = option(0.0, "largest shift of each axis, as a fraction of the side", within=(0.0, 1.0))
    shear_degrees: float = option(0.0, "largest shear angle, in degrees", within=(0.0, 80.0))
    zoom_fraction: float = option(0.0, "each axis is scaled by 1 - this to 1 + this", within=(0.0, 0.95))
    horizontal_flip: bool = option(False, "mirror left and right, half of the time")
    vertical_flip: bool = option(False, "mirror up and down, half of the time")
    crop_scale: tuple[float, ...] | None = option(
        None, "train on a part of each picture, another one in every epoch: its smallest and largest area, as "
        "fractions of the picture, as in 0.35,1", within=(0.01, 1.0),
        rule="two numbers from 0.01 to 1, the smaller one first",
    )  # fmt: skip
    crop_ratio: tuple[float, ...] | None = option(
        None, "width over height of --crop_scale's parts, the smallest and the largest, where 1 distorts nothing; "
        "0.75,1.3333 where it is not given", within=(0.1, 10.0),
        rule="two numbers from 0.1 to 10, the smaller one first",
    )  # fmt: skip

    features: ClassVar = {"warp": Feature(np.float32, (6,))}
    loop: ClassVar = "warp"

    def __post_init__(self):
        for name in ("crop_scale", "crop_ratio"):
            ends = getattr(self, name)
            if ends is None:
                continue
            object.__setattr__(self, name, tuple(ends))  # a list comes out of a JSON file
            if len(ends) != 2 or not ends[0] <= ends[1]:
                rule = type(self).__dataclass_fields__[name].metadata["option"].rule
                raise UserError(f"--{name}={','.join(f'{end:g}' for end in ends)}: it must be {rule}")
        super().__post_init__()
        if self.crop_ratio and not self.crop_scale:
            shown = ",".join(f"{end:g}" for end in self.crop_ratio)
            raise UserError(f"--crop_ratio={shown}: nothing is cropped without --crop_scale, as in --crop_scale=0.35,1")

    def plan(self, seed: int, epoch: int, example_ids: np.ndarray, examples: Examples) -> dict[str, np.ndarray]:
        """See `Operation`."""
        sides = examples.height, examples.width
        draws = dict(zip(_KNOBS, draw(seed, epoch, example_ids, _KNOBS).T, strict=True))
        signed = {name: 2.0 * value - 1.0 for name, value in draws.items()}
        matrix = affine_matrices(
            rotate_degrees=self.rotate_degrees * signed["rotate"],
            shift_rows=self.shift_fraction * examples.height * signed["shift_rows"],
            shift_columns=self.shift_fraction * examples.width * signed["shift_columns"],
            shear_degrees=self.shear_degrees * signed["shear"],
            zoom_rows=1.0 + self.zoom_fraction * signed["zoom_rows"],
            zoom_columns=1.0 + self.zoom_fraction * signed["zoom_columns"],
            sides=sides,
        )
        for axis, name in enumerate(("vertical_flip", "horizontal_flip")):
            if getattr(self, name):
                which = draws[name] < 0.5  # their output index i reads where side - 1 - i read
                matrix[which, :, 2] += matrix[which, :, axis] * (sides[axis] - 1)
                matrix[which, :, axis] *= -1.0
        start, side = self._crops(seed, epoch, example_ids, examples)
        # Pixels have their middle at half: index i of n that show `side` pixels from `start` on is here among those.
        scale = side / sides
        matrix *= scale[:, :, None]
        matrix[:, :, 2] += start + 0.5 * scale - 0.5
        return {"warp": matrix.reshape(-1, 6)}

    def _crops(
        self, seed: int, epoch: int, example_ids: np.ndarray, examples: Examples
    ) -> tuple[np.ndarray, np.ndarray]:
        """(first row and column, height and width) of the part that is seen, both float64 [n, 2], in stored pixels."""
        whole = np.array(examples.stored_sides or (examples.height, examples.width), np.float64)
        if self.crop_scale is None:
            sides = np.broadcast_to(whole, (len(example_ids), 2))
            return np.zeros_like(sides), sides
        area, ratio, *place = draw(seed, epoch, example_ids, _CROP_KNOBS).T
        low, high = np.log(self.crop_ratio or CROP_RATIO)
        # Of width over height, in pixels: 1 keeps the proportions of what comes out.
        proportions = np.exp(low + (high - low) * ratio) * examples.width / examples.height
        largest = np.minimum(whole[0], whole[1] / proportions) ** 2 * proportions / whole.prod()
        most = np.minimum(self.crop_scale[1], largest)
        least = np.minimum(self.crop_scale[0], most)
        height = np.sqrt((least + (most - least) * area) * whole.prod() / proportions)
        sides = np.stack([height, height * proportions], axis=1)
        return (whole - sides) * np.stack(place, axis=1), sides

    def apply(self, batch: dict, pixel_format: PixelFormat) -> dict:
        """See `Operation`."""
        image, full_scale = batch["image"], pixel_format.full_scale
        warped = _warp(image, batch["warp"], full_scale, pixel_format.shape[:2])
        return batch | {"image": warped * (1.0 / full_scale) if image.dtype.is_integer else warped}


def affine_matrices(
    rotate_degrees, shift_rows, shift_columns, shear_degrees, zoom_rows, zoom_columns, sides: tuple[int, int]
) -> np.ndarray:
    """float64 [n, 2, 3] from arrays [n]: rotation @ shift @ shear @ zoom about the picture's center.

    All in pixels, whose two sides are equal: a picture of unequal `sides` (height, width) is turned, not sheared.
    """
    rotate, shear = np.deg2rad(rotate_degrees), np.deg2rad(shear_degrees)
    rotation = _stack(np.cos(rotate), -np.sin(rotate), 0.0, np.sin(rotate), np.cos(rotate), 0.0)
    shift = _stack(1.0, 0.0, shift_columns, 0.0, 1.0, shift_rows)
    shearing = _stack(1.0, -np.sin(shear), 0.0, 0.0, np.cos(shear), 0.0)
    zoom = _stack(zoom_columns, 0.0, 0.0, 0.0, zoom_rows, 0.0)
    # Composed in (x, y), as Keras does, then turned into (row, column).
    matrix = (rotation @ shift @ shearing @ zoom)[:, [1, 0, 2]][:, :, [1, 0, 2]]
    center = np.array([*(side / 2 - 0.5 for side in sides), 1.0])
    matrix[:, :2, 2] += center[:2] - matrix[:, :2, :2] @ center[:2]
    return matrix[:, :2]


def _warp(images, matrices, full_scale: int, sides: tuple[int, int]):
    """float32 [batch, *sides, channels], in the units of `images`; stored pixels are limited to `full_scale`."""
    import tensorflow as tf

    _, height, width, _ = images.shape
    row, column = (tf.range(side, dtype=tf.float32) for side in sides)
    row, column = row[:, None], column[None, :]
    entries = [matrices[:, entry, None, None] for entry in range(6)]
    top, down = _split(entries[0] * row + entries[1] * column + entries[2], height)
    left, across = _split(entries[3] * row + entries[4] * column + entries[5], width)
    place, pixels = _place(top, left, height, width), _reader(images, full_scale)
    corners = [pixels(place + step) for step in (0, 1, width, width + 1)]
    down, across = down[..., None], across[..., None]
    above = corners[0] + (corners[1] - corners[0]) * across
    below = corners[2] + (corners[3] - corners[2]) * across
    return above + (below - above) * down


def _split(coordinate, size: int) -> tuple:
    """(whole part in [0, size - 2], rest in [0, 1]), both float32, of a coordinate held inside the picture."""
    import tensorflow as tf

    inside = tf.clip_by_value(coordinate, 0.0, size - 1.0)
    whole = tf.minimum(tf.floor(inside), size - 2.0)
    return whole, inside - whole


def _place(top, left, height: int, width: int):
    """int32 `top * width + left`, from whole float32; some pixel's place where these are not numbers.

    One conversion and one bound serve four corners, where XLA would check and bound each corner's place by itself.
    Whole numbers below 2**23 added to 2**23 are exact, and stand in the last 23 bits of their sum.
    """
    import tensorflow as tf

    assert min(height, width) > 1, f"no warp for {height} x {width} pixels"
    assert height * width <= 2**23, f"no warp for {height} x {width} pixels"
    bits = tf.bitcast(top * float(width) + (left + 2.0**23), tf.int32)
    return tf.minimum(tf.bitwise.bitwise_and(bits, 2**23 - 1), height * width - width - 2)


def _reader(images, full_scale: int) -> Callable:
    """int32 places [batch, height, width] -> float32 pixels [batch, height, width, channels] there, limited.

    XLA makes one loop of the whole warp only where each gather gives several channels. So a gray picture is read as
    one of two equal channels: otherwise it computes coordinates once for the places and again for the weights, rounds
    them differently, and where they come close to whole numbers a pixel is mixed from the wrong neighbours.
    """
    import tensorflow as tf

    batch, height, width, channels = images.shape
    pixels = tf.reshape(images, [batch, height * width, channels])
    if images.dtype != tf.uint8 or channels != 3:
        pixels = tf.broadcast_to(pixels, [batch, height * width, max(channels, 2)])
        return lambda place: limited(tf.gather(pixels, place, batch_dims=1)[..., :channels], full_scale)
    # A pixel as one int32, read once instead of three times: 0.7 of the time. By a sum, because XLA repeats cheaper
    # operations at each read; given out as often as there are channels, to keep the one loop.
    shifts = tf.range(channels) * 8
    stored = tf.bitwise.left_shift(tf.minimum(tf.cast(pixels, tf.int32), full_scale), shifts)
    words = tf.broadcast_to(tf.reduce_sum(stored, axis=-1, keepdims=True), stored.shape)

    def read(place):
        word = tf.bitwise.right_shift(tf.gather(words, place, batch_dims=1), shifts)
        return tf.cast(tf.bitwise.bitwise_and(word, 255), tf.float32)

    return read


def _stack(*entries) -> np.ndarray:
    """The two upper rows, arrays [n] and numbers -> [n, 3, 3], with the last row of a homogeneous matrix."""
    return np.stack(np.broadcast_arrays(*entries, 0.0, 0.0, 1.0), axis=-1).reshape(-1, 3, 3)
