"""Augmentation: all geometric knobs composed into one matrix a picture, applied by one bilinear warp.

The matrices are made on the host, in float64, from a table of keyed draws; the graph gets one `transform` row a
picture and does only the heavy part. Rotation, shift, shear and zoom compose as in Keras's legacy
`ImageDataGenerator` (keras/src/legacy/preprocessing/image.py, `apply_affine_transform`), so its parameters can be
carried over; flips and colour follow.
"""

import numpy as np
import tensorflow as tf

from pipeline.augment.draws import draw
from pipeline.augment.options import AugmentOptions

# A row of `transform`: a 2x3 matrix from output to input pixel coordinates (row, column), then gain and bias.
TRANSFORM_WIDTH = 8


def make_transforms(
    options: AugmentOptions, image_size: int, seed: int, epoch: int, example_ids: np.ndarray
) -> np.ndarray:
    """float32 [examples, TRANSFORM_WIDTH]: what happens to each example in this epoch.

    Output pixel (row, column) takes its value at `matrix @ (row, column, 1)` of the input, times gain, plus bias.
    """
    names = ("rotate", "shift_rows", "shift_columns", "shear", "zoom_rows", "zoom_columns",
             "horizontal_flip", "vertical_flip", "brightness", "contrast")  # fmt: skip
    draws = dict(zip(names, draw(seed, epoch, example_ids, names).T, strict=True))
    signed = {name: 2.0 * value - 1.0 for name, value in draws.items()}
    matrix = affine_matrices(
        rotate_degrees=options.rotate_degrees * signed["rotate"],
        shift_rows=options.shift_fraction * image_size * signed["shift_rows"],
        shift_columns=options.shift_fraction * image_size * signed["shift_columns"],
        shear_degrees=options.shear_degrees * signed["shear"],
        zoom_rows=1.0 + options.zoom_fraction * signed["zoom_rows"],
        zoom_columns=1.0 + options.zoom_fraction * signed["zoom_columns"],
        image_size=image_size,
    )
    if options.vertical_flip:
        _flip(matrix, draws["vertical_flip"] < 0.5, 0, image_size)
    if options.horizontal_flip:
        _flip(matrix, draws["horizontal_flip"] < 0.5, 1, image_size)
    gain = 1.0 + options.contrast_fraction * signed["contrast"]
    bias = 0.5 * (1.0 - gain) + options.brightness_fraction * signed["brightness"]
    return np.concatenate([matrix.reshape(-1, 6), gain[:, None], bias[:, None]], axis=1).astype(np.float32)


def affine_matrices(
    rotate_degrees, shift_rows, shift_columns, shear_degrees, zoom_rows, zoom_columns, image_size: int
) -> np.ndarray:
    """float64 [n, 2, 3] from arrays [n]: rotation @ shift @ shear @ zoom about the picture's centre."""
    rotate, shear = np.deg2rad(rotate_degrees), np.deg2rad(shear_degrees)
    zero, one = np.zeros_like(rotate), np.ones_like(rotate)
    rotation = _stack([[np.cos(rotate), -np.sin(rotate), zero], [np.sin(rotate), np.cos(rotate), zero]])
    shift = _stack([[one, zero, shift_columns], [zero, one, shift_rows]])
    shearing = _stack([[one, -np.sin(shear), zero], [zero, np.cos(shear), zero]])
    zoom = _stack([[zoom_columns, zero, zero], [zero, zoom_rows, zero]])
    # Composed in (x, y), as Keras does, then turned into (row, column).
    matrix = (rotation @ shift @ shearing @ zoom)[:, [1, 0, 2]][:, :, [1, 0, 2]]
    centre = np.array([image_size / 2 - 0.5, image_size / 2 - 0.5, 1.0])
    matrix[:, :2, 2] += centre[:2] - matrix[:, :2, :2] @ centre[:2]
    return matrix[:, :2]


def to_float(images: tf.Tensor, full_scale: float) -> tf.Tensor:
    """uint8 or uint16 -> float32 in [0, 1]; values above `full_scale` become 1."""
    return _limited(images, full_scale) * (1.0 / full_scale)


@tf.function(jit_compile=True, autograph=False)
def augment(images: tf.Tensor, transforms: tf.Tensor, full_scale: float, recolor: bool = True) -> tf.Tensor:
    """Warps, recolours and scales a batch in one fused pass.

    Bilinear, with the nearest edge pixel outside the picture, as scipy.ndimage.affine_transform(order=1,
    mode="nearest").

    Args:
      images: [batch, height, width, channels] uint8 or uint16, all dimensions static.
      transforms: [batch, TRANSFORM_WIDTH] float32, from `make_transforms`.
      full_scale: the pixel value that becomes 1.0; higher ones do too.
      recolor: whether any row has a gain other than 1 or a bias other than 0; without, a fifth less work.

    Returns:
      [batch, height, width, channels] float32 in [0, 1].
    """
    warped = _warp(images, transforms[:, :6], full_scale) * (1.0 / full_scale)
    if not recolor:
        return warped
    gain, bias = transforms[:, 6, None, None, None], transforms[:, 7, None, None, None]
    return tf.clip_by_value(warped * gain + bias, 0.0, 1.0)


def _warp(images: tf.Tensor, matrices: tf.Tensor, full_scale: float) -> tf.Tensor:
    """float32 [batch, height, width, channels] in [0, full_scale]."""
    batch, height, width, channels = images.shape
    row, column = tf.range(height, dtype=tf.float32)[:, None], tf.range(width, dtype=tf.float32)[None, :]
    entries = [matrices[:, entry, None, None] for entry in range(6)]
    source_row = entries[0] * row + entries[1] * column + entries[2]
    source_column = entries[3] * row + entries[4] * column + entries[5]
    top, down = _split(source_row, height)
    left, across = _split(source_column, width)
    # Four gathers of whole pixels from the uint8 picture: 13,000 pictures/s where packing a pixel into one int32
    # for a scalar gather gave 2,400, because XLA then computes every index once a channel.
    pixels = tf.reshape(images, [batch, height * width, channels])
    corner = top * width + left
    corners = [_pick(pixels, corner + step, full_scale) for step in (0, 1, width, width + 1)]
    down, across = tf.reshape(down, [batch, -1, 1]), tf.reshape(across, [batch, -1, 1])
    above = corners[0] + (corners[1] - corners[0]) * across
    below = corners[2] + (corners[3] - corners[2]) * across
    return tf.reshape(above + (below - above) * down, images.shape)


def _split(coordinate: tf.Tensor, size: int) -> tuple[tf.Tensor, tf.Tensor]:
    """(whole part int32 in [0, size - 2], rest float32 in [0, 1]) of a coordinate held inside the picture."""
    inside = tf.clip_by_value(coordinate, 0.0, size - 1.0)
    whole = tf.minimum(tf.floor(inside), size - 2.0)
    return tf.cast(whole, tf.int32), inside - whole


def _pick(pixels: tf.Tensor, index: tf.Tensor, full_scale: float) -> tf.Tensor:
    picked = tf.gather(pixels, tf.reshape(index, [index.shape[0], -1]), batch_dims=1)
    return _limited(picked, full_scale)


def _limited(pixels: tf.Tensor, full_scale: float) -> tf.Tensor:
    """float32, at most `full_scale`: before any interpolation, so that evaluation and augmentation clip alike."""
    values = tf.cast(pixels, tf.float32)
    return tf.minimum(values, full_scale) if full_scale < pixels.dtype.max else values


def _stack(rows) -> np.ndarray:
    """[2][3] nested arrays [n] -> [n, 3, 3], with the last row of a homogeneous matrix."""
    count = len(rows[0][0])
    matrix = np.zeros((count, 3, 3))
    matrix[:, :2] = np.stack([np.stack(row, axis=-1) for row in rows], axis=1)
    matrix[:, 2, 2] = 1.0
    return matrix


def _flip(matrix: np.ndarray, which: np.ndarray, output_axis: int, size: int) -> None:
    """Mirrors the output of the matrices [n, 2, 3] in `which`: output index i reads where size - 1 - i read."""
    matrix[which, :, 2] += matrix[which, :, output_axis] * (size - 1)
    matrix[which, :, output_axis] *= -1.0
