"""A picture's mean, added up in whole numbers. Imports TensorFlow when called."""

from pipeline.decoding.pixel_format import LUMA

# The weights as whole numbers, too; of 2**23 pixels of 16 bits they make less than 2**49.
_THOUSANDTHS = [round(1000 * weight) for weight in LUMA]
_LEVELS = 65535  # of a picture that is no longer as it is stored


def mean_luma(images, full_scale: int, row_step: int = 1):
    """float32 [batch, 1, 1, 1] in [0, 1]: the mean of BT.601's luma, or of gray, over every `row_step`-th row.

    Of integers, which come to one sum in any order: a mean of floats differs by its last bit with the graph that it is
    compiled in. Stored pixels above `full_scale` count as that; float32 ones count in levels of 1/65535.
    """
    import tensorflow as tf

    images = images[:, ::row_step]
    _, height, width, channels = images.shape
    if images.dtype.is_integer:
        values = tf.minimum(tf.cast(images, tf.int32), full_scale)
    else:
        values, full_scale = tf.cast(tf.round(images * _LEVELS), tf.int32), _LEVELS
    # Rows first, which go in vectors: 32,768 of them fit an int32.
    rows = tf.reduce_sum(tf.reshape(values, [-1, height, width * channels]), axis=1)
    sums = tf.reduce_sum(tf.reshape(tf.cast(rows, tf.int64), [-1, width, channels]), axis=1)
    weights, whole = (_THOUSANDTHS, 1000) if channels == 3 else ([1], 1)
    total = tf.reduce_sum(sums * tf.constant(weights, tf.int64), axis=1)
    mean = tf.cast(total, tf.float64) / float(whole * height * width * full_scale)
    return tf.cast(mean, tf.float32)[:, None, None, None]
