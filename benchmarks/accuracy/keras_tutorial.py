"""Keras's tutorial "Image classification from scratch" (keras.io/examples/vision/image_classification_from_scratch).

Its network (a small Xception), its picture size (180), batch (128), augmentation (flip, rotation), Adam of 3e-4, and
its 25 epochs where they fit; the epoch with the best validation accuracy is taken, which the tutorial leaves to the
reader.
"""

import time
from pathlib import Path

import keras
import tensorflow as tf
from keras import layers

from benchmarks.accuracy.budget import Budget, arguments

SIDE, BATCH, EPOCHS, RATE = 180, 128, 25, 3e-4


def build_model() -> keras.Model:
    """Logit of the second class, from pixels in [0, 255]."""
    image = keras.Input((SIDE, SIDE, 3))
    features = layers.Rescaling(1.0 / 255)(image)
    features = _normalized(layers.Conv2D(128, 3, strides=2, padding="same")(features))
    shortcut = features
    for width in (256, 512, 728):
        for _ in range(2):
            features = layers.Activation("relu")(features)
            features = layers.BatchNormalization()(layers.SeparableConv2D(width, 3, padding="same")(features))
        features = layers.MaxPooling2D(3, strides=2, padding="same")(features)
        shortcut = layers.Conv2D(width, 1, strides=2, padding="same")(shortcut)
        features = shortcut = layers.add([features, shortcut])
    features = _normalized(layers.SeparableConv2D(1024, 3, padding="same")(features))
    features = layers.Dropout(0.25)(layers.GlobalAveragePooling2D()(features))
    return keras.Model(image, layers.Dense(1)(features))


def _normalized(features):
    return layers.Activation("relu")(layers.BatchNormalization()(features))


class UntilTheEnd(keras.callbacks.Callback):
    """Keeps the best weights, and ends the fit before an epoch that would be too late."""

    def __init__(self, budget: Budget):
        super().__init__()
        self.budget, self._began = budget, 0.0

    def on_epoch_begin(self, epoch, logs=None):
        """See Keras."""
        self._began = time.time()

    def on_epoch_end(self, epoch, logs=None):
        """See Keras."""
        self.budget.keep(logs["val_acc"], self.model.get_weights)
        if self.budget.seconds_left < time.time() - self._began:
            self.model.stop_training = True


def open_splits(data_dir: Path, side: int, batch: int) -> tuple:
    """(training batches, augmented as both of Keras's texts do; validation; test)."""
    train, validation, test = (
        keras.utils.image_dataset_from_directory(
            data_dir / name,
            image_size=(side, side),
            batch_size=batch,
            shuffle=name == "train",
            seed=1337,
            verbose=False,
        )
        for name in ("train", "validation", "test")
    )
    augment = keras.Sequential([layers.RandomFlip("horizontal"), layers.RandomRotation(0.1)])
    augmented = train.map(lambda images, labels: (augment(images), labels), num_parallel_calls=tf.data.AUTOTUNE)
    return augmented.prefetch(tf.data.AUTOTUNE), validation.prefetch(tf.data.AUTOTUNE), test


def compile_with(model: keras.Model, rate: float) -> None:
    """Adam, cross-entropy of a logit, accuracy."""
    model.compile(
        keras.optimizers.Adam(rate), keras.losses.BinaryCrossentropy(from_logits=True),
        metrics=[keras.metrics.BinaryAccuracy(name="acc", threshold=0.0)],
    )  # fmt: skip


def score(model: keras.Model, batches, weights: list) -> float:
    """The accuracy of a model with these weights."""
    model.set_weights(weights)
    return model.evaluate(batches, verbose=0)[1]


def main() -> None:
    """Trains, and scores the test folder in the end."""
    data_dir, _, budget = arguments()
    keras.utils.set_random_seed(1)
    train, validation, test = open_splits(data_dir, SIDE, BATCH)
    model = build_model()
    compile_with(model, RATE)
    model.fit(train, epochs=EPOCHS, callbacks=[UntilTheEnd(budget)], validation_data=validation, verbose=0)
    budget.tell(lambda weights: score(model, test, weights))


if __name__ == "__main__":
    main()
