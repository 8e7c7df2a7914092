"""The catdog report's own way, as a rival: Keras's legacy generator, compile and fit, in float32.

python -m benchmarks.programs.report_way DATA_DIR EPOCHS prints the seconds of each epoch. Needs nothing of Penstock.
"""

import os
import sys
import time

os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"

import keras
import tensorflow as tf
from keras import layers

SIZE, BATCH = 112, 64


def build_model() -> keras.Model:
    """catdog_2 as the report describes it."""
    blocks = [layers.Conv2D(f, 3, activation="relu") for f in (32, 64, 64, 64)]
    pooled = [layer for block in blocks for layer in (block, layers.MaxPooling2D())]
    head = [layers.Flatten(), layers.Dense(248, activation="relu"), layers.Dropout(0.2), layers.Dense(1, "sigmoid")]
    return keras.Sequential([keras.Input((SIZE, SIZE, 3)), *pooled, *head])


def main(data_dir: str, epochs: int) -> None:
    """Fits, and prints a figure an epoch."""
    generator = tf.keras.preprocessing.image.ImageDataGenerator(
        rescale=1 / 255,
        rotation_range=20,
        width_shift_range=0.2,
        height_shift_range=0.2,
        shear_range=0.1,
        zoom_range=0.2,
        horizontal_flip=True,
        fill_mode="nearest",
    )
    flow = generator.flow_from_directory(
        f"{data_dir}/train", target_size=(SIZE, SIZE), batch_size=BATCH, class_mode="binary", seed=1
    )
    model = build_model()
    model.compile(optimizer=keras.optimizers.Adam(1e-4), loss="binary_crossentropy", metrics=["accuracy"])
    for _ in range(epochs):
        began = time.perf_counter()
        model.fit(flow, epochs=1, verbose=0)
        print(f"epoch_seconds {time.perf_counter() - began:.4f}", flush=True)


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
