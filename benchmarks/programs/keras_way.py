"""Keras's modern way, as a rival: the folder loader, its cache, Random* layers in the map, fit, in float32.

python -m benchmarks.programs.keras_way DATA_DIR EPOCHS prints the seconds of each epoch. As Keras's own guides write
it: batches are cached and shuffled whole. float32 is what a user gets who asks for nothing.
"""

import os
import sys

os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"

import keras
import tensorflow as tf

from benchmarks.programs.report_way import fit
from benchmarks.rivals import BATCH, SIZE
from benchmarks.rivals.keras_layers import build_augmentation


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
    fit(batches, epochs)


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
