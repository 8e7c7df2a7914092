"""The loss of a recipe: labels smoothed, classes weighted, alone and together with mixed labels."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from models.heads import per_example_loss
from tests.training.step_test import CLASSES, batch_of, hardware_of, state_of, weights
from training.recipe import PLAIN, Recipe, balanced_weights
from training.step import example_losses, make_train_step

CLASS_WEIGHTS = (0.5, 2.0, 1.25, 0.25)


def log_probabilities(logits: np.ndarray) -> np.ndarray:
    """float64 [batch, classes]."""
    both = np.concatenate([np.zeros_like(logits), logits], axis=1) if logits.shape[1] == 1 else logits
    both = both.astype(np.float64)
    return both - np.logaddexp.reduce(both, axis=1, keepdims=True)


@pytest.mark.parametrize("units", [1, 2, 4])
@pytest.mark.parametrize("mixed", [False, True])
@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("smoothing", [0.0, 0.1])
def test_the_loss_is_that_of_the_smoothed_target_weighted_by_class(units, mixed, weighted, smoothing):
    generator, classes = np.random.default_rng(3), max(2, units)
    logits = generator.normal(0, 3, (8, units)).astype(np.float32)
    first, second = generator.integers(0, classes, (2, 8)).astype(np.int32)
    share = np.array([0.0, 1.0, 0.5, 0.25, 0.9, 0.1, 0.3, 0.7]) if mixed else np.zeros(8)
    mask = np.array([True] * 6 + [False, True])
    targets = (1 - smoothing) * np.eye(classes) + smoothing / classes
    of_class = np.array(CLASS_WEIGHTS[:classes]) if weighted else np.ones(classes)
    wanted = ((1 - share) * of_class[first])[:, None] * targets[first]
    wanted += (share * of_class[second])[:, None] * targets[second]
    expected = -(wanted * log_probabilities(logits)).sum(axis=1)
    batch = {"label": tf.constant(first), "mask": tf.constant(mask)}
    if mixed:
        batch |= {"second_label": tf.constant(second), "second_weight": tf.constant(share.astype(np.float32))}
    recipe = Recipe(label_smoothing=smoothing, class_weights=CLASS_WEIGHTS[:classes] if weighted else ())
    losses = example_losses(batch, tf.constant(logits), classes, recipe)
    assert losses.dtype == tf.float32
    np.testing.assert_allclose(losses, expected * mask, rtol=1e-5, atol=1e-6)


def test_smoothing_is_keras_own():
    logits, labels = np.random.default_rng(1).normal(0, 2, (6, 4)).astype(np.float32), np.arange(6) % 4
    recipe = Recipe(label_smoothing=0.2)
    batch = {"label": tf.constant(labels, tf.int32), "mask": tf.ones(6)}
    theirs = keras.losses.categorical_crossentropy(np.eye(4)[labels], logits, from_logits=True, label_smoothing=0.2)
    np.testing.assert_allclose(example_losses(batch, tf.constant(logits), 4, recipe), theirs, rtol=1e-5)


def test_the_step_learns_from_the_recipes_loss_and_divides_by_the_examples():
    hardware, batch = hardware_of(), batch_of(8, 5)
    recipe = Recipe(label_smoothing=0.1, class_weights=CLASS_WEIGHTS[:CLASSES])
    state = state_of(hardware, learning_rate=0.01, momentum=0.0)
    with tf.GradientTape() as tape:
        losses = example_losses(batch, state.model(batch["image"]), CLASSES, recipe)
        loss = tf.reduce_sum(losses) / 5
    gradients = tape.gradient(loss, state.model.trainable_variables)
    expected = weights(state) - 0.01 * np.concatenate([gradient.numpy().ravel() for gradient in gradients])
    make_train_step(state, hardware, CLASSES, None, False, recipe)(batch)
    np.testing.assert_allclose(weights(state), expected, atol=1e-7)
    np.testing.assert_allclose(state.sums[0], tf.reduce_sum(losses), rtol=1e-6)
    assert state.sums.numpy()[2] == 5


def test_a_plain_recipe_is_the_plain_loss():
    logits = tf.constant(np.random.default_rng(1).normal(0, 2, (6, 4)).astype(np.float32))
    batch = {"label": tf.constant(np.arange(6) % 4, tf.int32), "mask": tf.ones(6)}
    plain = per_example_loss(batch["label"], logits, 4)
    assert example_losses(batch, logits, 4, PLAIN).numpy().tolist() == plain.numpy().tolist()


@pytest.mark.parametrize("counts", [[10, 30, 60], [5, 5], [1, 999], [7, 0, 21]])
def test_balanced_weights_bring_every_class_to_the_same_sum_and_the_mean_to_one(counts):
    found = np.array(balanced_weights(counts))
    sums = found * counts
    assert sums.sum() == pytest.approx(sum(counts))
    present = sums[np.array(counts) > 0]
    np.testing.assert_allclose(present, present[0])
    assert found[np.array(counts) == 0].tolist() == [0.0] * counts.count(0)


def test_balanced_weights_are_those_of_scikit_learns_documentation():
    # n_samples / (n_classes * np.bincount(y))
    assert balanced_weights([2, 3, 5]) == pytest.approx((10 / 6, 10 / 9, 10 / 15))
