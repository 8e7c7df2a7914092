"""Keras's modern way: the folder loader and Random* layers, decoded pictures cached in memory."""

from collections.abc import Iterator

from benchmarks.rivals import BATCH, SIZE


def build_augmentation():
    """The report's augmentation and scale, as layers; RandomShear takes a fraction where the report has degrees."""
    import keras
    from keras import layers

    return keras.Sequential(
        [
            layers.RandomFlip("horizontal"),
            layers.RandomRotation(20 / 360, "nearest"),
            layers.RandomTranslation(0.2, 0.2, "nearest"),
            layers.RandomShear(0.002, 0.0, fill_mode="nearest"),
            layers.RandomZoom(0.2, 0.2, "nearest"),
            layers.Rescaling(1 / 255),
        ]
    )


def batches(data_dir: str, cached: bool = True) -> Iterator:
    """Cached below the shuffle, augmented in parallel maps."""
    import keras
    import tensorflow as tf

    pictures = keras.utils.image_dataset_from_directory(
        f"{data_dir}/train", image_size=(SIZE, SIZE), batch_size=None, shuffle=not cached, verbose=False
    ).map(lambda image, label: tf.cast(image, tf.uint8))
    if cached:
        pictures = pictures.cache().shuffle(10_000)
    augmentation = build_augmentation()
    ready = pictures.repeat().batch(BATCH, drop_remainder=True)
    return iter(ready.map(lambda x: augmentation(x, training=True), tf.data.AUTOTUNE).prefetch(tf.data.AUTOTUNE))
