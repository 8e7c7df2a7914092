"""Boxes in fractions of a picture's sides: drawn on the host without its size, rounded to whole pixels in the graph."""

import numpy as np


def boxes(middle_rows, middle_columns, heights, widths) -> np.ndarray:
    """float64 [n, 4]: top, bottom, left and right edge in [0, 1], of boxes cut at the picture's edges.

    All arguments are arrays [n], in fractions of the picture's sides; a box without height or width holds no pixel.
    """
    edges = [middle_rows - heights / 2, middle_rows + heights / 2, middle_columns - widths / 2,
             middle_columns + widths / 2]  # fmt: skip
    return np.clip(np.stack(edges, axis=1), 0.0, 1.0)


def inside(box, height: int, width: int) -> tuple:
    """(bool [batch, height, width, 1], float32 [batch]): which pixels have their middle in the box of their picture,
    and which share of all pixels they are. `box` is float32 [batch, 4], as `boxes` makes them."""
    import tensorflow as tf

    # The only arithmetic is one product on each side of a comparison: nothing that a device may round in two ways.
    top, bottom, left, right = (box[:, edge, None] for edge in range(4))
    row, column = tf.range(height, dtype=tf.float32) + 0.5, tf.range(width, dtype=tf.float32) + 0.5
    in_rows = (top * height <= row) & (row < bottom * height)
    in_columns = (left * width <= column) & (column < right * width)
    rows, columns = (tf.reduce_sum(tf.cast(within, tf.float32), axis=1) for within in (in_rows, in_columns))
    return (in_rows[:, :, None] & in_columns[:, None, :])[..., None], rows * columns / float(height * width)
