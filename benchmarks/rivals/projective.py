"""TensorFlow's own warp, ImageProjectiveTransformV3, on uint8 pictures in memory: one matrix a picture."""

from collections.abc import Iterator

import numpy as np

from benchmarks.rivals import BATCH, SIZE, pictures


def batches(data_dir: str, cached: bool = True) -> Iterator:
    """Two batches at a time, as Penstock; uncached, TensorFlow decodes and resizes two pictures at a time first."""
    import tensorflow as tf

    paths = pictures.files(data_dir)
    generator = np.random.default_rng(1)

    def draw(_) -> np.ndarray:
        matrices = np.stack([pictures.drawn_matrix(generator) for _ in range(BATCH)]).reshape(BATCH, 6)
        return np.concatenate([matrices, np.zeros((BATCH, 2))], axis=1).astype(np.float32)

    def warp(images, step):
        warped = tf.raw_ops.ImageProjectiveTransformV3(
            images=images, transforms=tf.numpy_function(draw, [step], tf.float32), output_shape=[SIZE, SIZE],
            fill_value=0.0, interpolation="BILINEAR", fill_mode="NEAREST",
        )  # fmt: skip
        return tf.cast(warped, tf.float32) * (1 / 255)

    def decode(path):
        image = tf.io.decode_jpeg(tf.io.read_file(path), 3)
        return tf.cast(tf.round(tf.image.resize(image, (SIZE, SIZE), "area")), tf.uint8)

    rows = tf.data.Dataset.range(len(paths)).shuffle(len(paths), seed=1).repeat()
    if cached:
        decoded = tf.constant(pictures.all_decoded(data_dir))
        images = rows.batch(BATCH).map(lambda chosen: tf.gather(decoded, chosen))
    else:
        names = tf.constant(paths)
        images = rows.map(lambda row: decode(names[row]), num_parallel_calls=2).batch(BATCH)
    steps = tf.data.Dataset.range(10**9)
    return iter(tf.data.Dataset.zip(images, steps).map(warp, num_parallel_calls=2).prefetch(4))
