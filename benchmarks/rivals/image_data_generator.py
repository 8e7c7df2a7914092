"""The report's way: Keras's legacy generator."""

from benchmarks.rivals import BATCH, SIZE


def batches(data_dir: str):
    """It reads and decodes in every epoch; it has no cache."""
    import tensorflow as tf

    generator = tf.keras.preprocessing.image.ImageDataGenerator(
        rescale=1 / 255, rotation_range=20, width_shift_range=0.2, height_shift_range=0.2, shear_range=0.1,
        zoom_range=0.2, horizontal_flip=True, fill_mode="nearest",
    )  # fmt: skip
    flow = generator.flow_from_directory(f"{data_dir}/train", target_size=(SIZE, SIZE), batch_size=BATCH, seed=1)
    return (images for images, _ in flow)
