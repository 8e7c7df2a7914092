"""What logits mean: probabilities and cross-entropy, in float32 whatever the precision policy.

A model ends in one logit a class, or, for two classes, in the single logit of a sigmoid unit, that of class 1. All
functions are pure, so training, evaluation and the exported model share them.
"""

import keras
import tensorflow as tf


def probabilities(logits: tf.Tensor) -> tf.Tensor:
    """[batch, classes] float32 in [0, 1], rows summing to 1, from [batch, classes] or [batch, 1] logits.

    One logit l gives [sigmoid(-l), sigmoid(l)], which is [1 - p, p] without the cancellation near p = 1.
    """
    logits = tf.cast(logits, tf.float32)
    if logits.shape[-1] == 1:
        return tf.sigmoid(tf.concat([-logits, logits], axis=-1))
    return tf.nn.softmax(logits)


def infer(model: keras.Model, images: tf.Tensor, flips: bool) -> tf.Tensor:
    """Logits or features of a batch, as the model gives them in inference.

    With `flips` the mean of those of each picture, [batch, height, width, channels], and of its mirror (Krizhevsky et
    al., "ImageNet Classification with Deep Convolutional Neural Networks", 2012, section 4.1, who average over crops
    and their mirrors). As a head is linear, the mean of its logits is its logits of the mean features: what comes in as
    features, [batch, channels], is a mean already.
    """
    given = model(images, training=False)
    if not flips or len(images.shape) != 4:
        return given
    return (given + model(images[:, :, ::-1], training=False)) / 2


def per_example_loss(labels: tf.Tensor, logits: tf.Tensor, num_classes: int) -> tf.Tensor:
    """Cross-entropy in nats of each example, [batch] float32, computed from logits so that no log sees a 0.

    `labels` are [batch] integers in [0, num_classes), `logits` [batch, num_classes], or [batch, 1] where num_classes
    is 2. Raises ValueError where their last axis fits neither form.
    """
    logits = tf.cast(logits, tf.float32)
    if logits.shape[-1] == 1 and num_classes == 2:
        targets = tf.cast(labels, tf.float32)
        return tf.nn.sigmoid_cross_entropy_with_logits(targets, tf.squeeze(logits, axis=-1))
    if logits.shape[-1] != num_classes:
        raise ValueError(f"logits have shape {logits.shape}: the last axis must be {num_classes}, one a class")
    return tf.nn.sparse_softmax_cross_entropy_with_logits(tf.cast(labels, tf.int64), logits)


def mean_loss(logits: tf.Tensor, num_classes: int) -> tf.Tensor:
    """[batch] float32: the mean of `per_example_loss` over all labels that an example could have."""
    logits = tf.cast(logits, tf.float32)
    if logits.shape[-1] == 1 and num_classes == 2:
        logit = tf.squeeze(logits, axis=-1)
        return tf.nn.softplus(logit) - 0.5 * logit
    return tf.reduce_logsumexp(logits, axis=-1) - tf.reduce_mean(logits, axis=-1)


def predicted_labels(logits: tf.Tensor) -> tf.Tensor:
    """[batch] int32, the most probable class; the lower label where two are equal."""
    if logits.shape[-1] == 1:
        return tf.cast(tf.squeeze(logits, axis=-1) > 0, tf.int32)
    return tf.argmax(logits, axis=-1, output_type=tf.int32)
