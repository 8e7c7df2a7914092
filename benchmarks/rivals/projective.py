"""TensorFlow's own warp, ImageProjectiveTransformV3, on uint8 pictures in memory: one matrix a picture."""

import numpy as np

from benchmarks.rivals import BATCH, SIZE, pictures


def batches(data_dir: str):
    """Two batches at a time, as Penstock."""
    import tensorflow as tf

    images = tf.constant(pictures.all_decoded(data_dir))
    generator = np.random.default_rng(1)

    def draw(_):
        matrices = np.stack([pictures.drawn_matrix(generator) for _ in range(BATCH)]).reshape(BATCH, 6)
        rows = generator.integers(0, len(images), BATCH)
        return rows, np.concatenate([matrices, np.zeros((BATCH, 2))], axis=1).astype(np.float32)

    def warp(step):
        rows, transforms = tf.numpy_function(draw, [step], [tf.int64, tf.float32])
        warped = tf.raw_ops.ImageProjectiveTransformV3(
            images=tf.gather(images, rows), transforms=transforms, output_shape=[SIZE, SIZE], fill_value=0.0,
            interpolation="BILINEAR", fill_mode="NEAREST",
        )  # fmt: skip
        return tf.cast(warped, tf.float32) * (1 / 255)

    return iter(tf.data.Dataset.range(10**9).map(warp, num_parallel_calls=2).prefetch(4))
