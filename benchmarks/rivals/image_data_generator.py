"""The report's way: Keras's legacy generator."""

from collections.abc import Iterator

from benchmarks.rivals import BATCH, SIZE


def make_flow(data_dir: str, class_mode: str):
    """The generator with the report's augmentation, over the training folder."""
    import tensorflow as tf

    generator = tf.keras.preprocessing.image.ImageDataGenerator(
        rescale=1 / 255, rotation_range=20, width_shift_range=0.2, height_shift_range=0.2, shear_range=0.1,
        zoom_range=0.2, horizontal_flip=True, fill_mode="nearest",
    )  # fmt: skip
    return generator.flow_from_directory(
        f"{data_dir}/train", target_size=(SIZE, SIZE), batch_size=BATCH, class_mode=class_mode, seed=1
    )


def batches(data_dir: str) -> Iterator:
    """It reads and decodes in every epoch; it has no cache."""
    return (images for images, _ in make_flow(data_dir, "binary"))
