"""Keras's modern way, as a rival: the folder loader, its cache, Random* layers in the map, fit, in float32.

python -m benchmarks.programs.keras_way DATA_DIR EPOCHS prints the seconds of each epoch. As Keras's own guides write
it: batches are cached and shuffled whole. Its random layers draw a picture each; RandomShear takes a fraction of the
side where the report has 0.1 degrees. float32 is what a user gets who asks for nothing.
"""

import os
import sys
import time

os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"

import keras
import tensorflow as tf
from keras import layers

from benchmarks.programs.report_way import BATCH, SIZE, build_model


def build_augmentation() -> keras.Sequential:
    """The report's augmentation and scale, as layers."""
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


def main(data_dir: str, epochs: int) -> None:
    """Fits, and prints a figure an epoch."""
    pictures = keras.utils.image_dataset_from_directory(
        f"{data_dir}/train", label_mode="binary", image_size=(SIZE, SIZE), batch_size=BATCH, seed=1, verbose=False
    )
    augmentation = build_augmentation()
    batches = (
        pictures.cache()
        .shuffle(len(pictures))
        .map(lambda images, labels: (augmentation(images, training=True), labels), tf.data.AUTOTUNE)
        .prefetch(tf.data.AUTOTUNE)
    )
    model = build_model()
    model.compile(optimizer=keras.optimizers.Adam(1e-4), loss="binary_crossentropy", metrics=["accuracy"])
    for _ in range(epochs):
        began = time.perf_counter()
        model.fit(batches, epochs=1, verbose=0)
        print(f"epoch_seconds {time.perf_counter() - began:.4f}", flush=True)


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
