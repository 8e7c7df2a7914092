"""Stored pixels -> float32 in [0, 1], alike in training, evaluation and serving. Imports TensorFlow when called."""


def to_float(images, full_scale: int):
    """uint8 or uint16 -> float32 in [0, 1]; values above `full_scale` become 1. float32 images stay as they are."""
    import tensorflow as tf

    images = tf.convert_to_tensor(images)
    return limited(images, full_scale) * (1.0 / full_scale) if images.dtype.is_integer else images


def limited(pixels, full_scale: int):
    """float32; stored pixels at most `full_scale`: before any interpolation, so that evaluation and augmentation clip
    alike."""
    import tensorflow as tf

    values = tf.cast(pixels, tf.float32)
    below_the_most = pixels.dtype.is_integer and full_scale < pixels.dtype.max
    return tf.minimum(values, full_scale) if below_the_most else values
