"""A plain Keras script for transfer, after Keras's guide "Transfer learning and fine-tuning"
(keras.io/guides/transfer_learning), from given backbone weights.

The guide's steps: a frozen backbone with training=False, pooling, dropout 0.2, one logit; random flips and rotations;
Adam of 1e-3 for 2 epochs; then all layers with Adam of 1e-5 for 1 epoch, or as many as fit. The best validated epoch is
taken. DATA_DIR SCRATCH MINUTES BEGAN WEIGHTS.
"""

import sys

import keras
from keras import layers

from benchmarks.accuracy.budget import arguments
from benchmarks.accuracy.keras_tutorial import UntilTheEnd, compile_with, open_splits, score

SIDE, BATCH, MOST_EPOCHS = 224, 64, 1000
# (whether the backbone learns, rate, epochs)
PHASES = ((False, 1e-3, 2), (True, 1e-5, MOST_EPOCHS))


def main() -> None:
    """Trains, and scores the test folder in the end."""
    data_dir, _, budget = arguments()
    keras.utils.set_random_seed(1)
    train, validation, test = open_splits(data_dir, SIDE, BATCH)
    backbone = keras.applications.MobileNetV2((SIDE, SIDE, 3), alpha=0.35, include_top=False, weights=None)
    backbone.load_weights(sys.argv[5])
    image = keras.Input((SIDE, SIDE, 3))
    features = backbone(layers.Rescaling(1 / 127.5, offset=-1)(image), training=False)
    model = keras.Model(image, layers.Dense(1)(layers.Dropout(0.2)(layers.GlobalAveragePooling2D()(features))))
    for learns, rate, epochs in PHASES:
        backbone.trainable = learns
        compile_with(model, rate)
        model.fit(train, epochs=epochs, callbacks=[UntilTheEnd(budget)], validation_data=validation, verbose=0)
        if model.stop_training:
            break
    budget.tell(lambda weights: score(model, test, weights))


if __name__ == "__main__":
    main()
