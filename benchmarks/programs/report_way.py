"""The catdog report's own way, as a rival: Keras's legacy generator, compile and fit, in float32.

python -m benchmarks.programs.report_way DATA_DIR EPOCHS prints the seconds of each epoch. Needs nothing of Penstock.
"""

import os
import sys
import time

os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"

import keras
from keras import layers

from benchmarks.rivals import SIZE
from benchmarks.rivals.image_data_generator import make_flow


def build_model() -> keras.Model:
    """catdog_2 as the report describes it."""
    blocks = [layers.Conv2D(f, 3, activation="relu") for f in (32, 64, 64, 64)]
    pooled = [layer for block in blocks for layer in (block, layers.MaxPooling2D())]
    head = [layers.Flatten(), layers.Dense(248, activation="relu"), layers.Dropout(0.2), layers.Dense(1, "sigmoid")]
    return keras.Sequential([keras.Input((SIZE, SIZE, 3)), *pooled, *head])


def fit(batches, epochs: int) -> None:
    """Compiles and fits on whatever `Model.fit` takes, and prints a figure an epoch."""
    model = build_model()
    model.compile(optimizer=keras.optimizers.Adam(1e-4), loss="binary_crossentropy", metrics=["accuracy"])
    for _ in range(epochs):
        began = time.perf_counter()
        model.fit(batches, epochs=1, verbose=0)
        print(f"epoch_seconds {time.perf_counter() - began:.4f}", flush=True)


def main(data_dir: str, epochs: int) -> None:
    """Fits on the generator's batches."""
    fit(make_flow(data_dir, "binary"), epochs)


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
