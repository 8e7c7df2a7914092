"""Probabilities of every example of a split, in file order: the one evaluation path."""

from collections.abc import Callable, Iterable

import keras
import numpy as np
import tensorflow as tf

from models.heads import infer, probabilities
from pipeline.data import Data
from pipeline.graph import make_eval_dataset


def make_predictor(
    model: keras.Model, flips: bool = False, logit_scale: tf.Variable | None = None
) -> Callable[[tf.Tensor], tf.Tensor]:
    """images float32 [n, height, width, channels] in [0, 1] -> probabilities float32 [n, classes], for any n; with
    `flips` those of --test_time_flip; with a `logit_scale`, float32 [], those of logits that many times as large.

    One function whatever the n, since each would be traced again: a second for a backbone.
    """
    images = tf.TensorSpec([None, *model.input_shape[1:]], tf.float32)

    @tf.function(input_signature=[images], jit_compile=False, autograph=False)
    def predict(images):
        logits = infer(model, images, flips)
        return probabilities(logits if logit_scale is None else tf.cast(logits, tf.float32) * logit_scale)

    return predict


def split_batches(data: Data, example_ids: np.ndarray, batch_size: int) -> tf.data.Dataset:
    """`example_ids` in batches, as evaluation sees them, of no more rows than there are examples.

    Whoever evaluates them often keeps it, as making it traces.
    """
    return make_eval_dataset(example_ids, data.pixels, data.manifest.labels, min(batch_size, len(example_ids)))


def predict_batches(predict: Callable, batches: Iterable[dict]) -> np.ndarray:
    """float32 [examples, classes], a row an example, in the order of `batches`; padding left out."""
    return np.concatenate([predict(batch["image"]).numpy()[batch["mask"].numpy()] for batch in batches])
