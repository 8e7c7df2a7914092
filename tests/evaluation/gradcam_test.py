"""Grad-CAM finds the last grid of any network, and its maps lie where the answer comes from."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from evaluation import gradcam
from evaluation.gradcam import class_maps, last_grid
from models.options import ModelOptions
from models.zoo import build_model
from tests.conftest import random_picture

layers = keras.layers
IMAGES = np.stack([random_picture(seed, 32, 32) for seed in range(5)]).astype(np.float32) / 255
CLASSES = np.array([0, 1, 1, 0, 1])


def zoo(name="residual_small", seed=1, classes=3, side=32, **options) -> keras.Model:
    if name == "residual_small":
        options |= {"filters": (4, 8)}
    return build_model(ModelOptions(name, **options), seed, classes, (side, side, 3))


class Own(keras.Model):
    """A user's own class, whose layers stand in no graph."""

    def __init__(self):
        super().__init__()
        self.first = keras.Sequential([layers.Conv2D(4, 3, strides=2), layers.ReLU(name="inner")])
        self.head = layers.Dense(3)

    def call(self, images):
        return self.head(tf.reduce_mean(self.first(images), axis=(1, 2)))


def own() -> keras.Model:
    image = keras.Input((32, 32, 3))
    return keras.Model(image, Own()(image))


def plain(*inner) -> keras.Model:
    image = keras.Input((32, 32, 3))
    features = image
    for layer in inner:
        features = layer(features)
    return keras.Model(image, layers.Dense(3)(features))


def nested() -> keras.Model:
    """A backbone as a layer, as keras.applications' are used."""
    inside = keras.Input((32, 32, 3))
    features = layers.Conv2D(4, 3, activation="relu", name="conv")(inside)
    backbone = keras.Model(inside, layers.MaxPooling2D(name="last_of_backbone")(features), name="backbone")
    return plain(layers.Rescaling(2.0), backbone, layers.GlobalAveragePooling2D())


@pytest.mark.parametrize(("make", "name", "side"), [
    (zoo, "last_relu", 16), (lambda: zoo("catdog_1", filters=(4, 6), units=5, classes=2), "block2_relu", 6),
    (nested, "last_of_backbone", 15), (own, "inner", 15),
    (lambda: plain(layers.Conv2D(4, 3, name="last"), layers.ZeroPadding2D(), layers.Flatten()), "last", 30),
], ids=["residual", "catdog", "nested backbone", "own class", "padding"])  # fmt: skip
def test_the_last_grid_is_found(make, name, side):
    keras.utils.set_random_seed(1)
    model = make()
    found = last_grid(model)
    assert (found.layer.name, found.rows, found.columns) == (name, side, side)
    assert str(found) == f"the {side} x {side} places of layer {name!r}"
    maps = class_maps(model, found, IMAGES, CLASSES)
    assert (maps.shape, maps.dtype) == ((5, 32, 32), np.float32)
    assert 0 <= maps.min() <= maps.max() <= 1
    assert (maps.max(axis=(1, 2)) > 0.5).any()
    assert not any("call" in vars(layer) for layer in model._flatten_layers())  # all are as they were


@pytest.mark.slow
@pytest.mark.parametrize("name", ["mobilenet_v2_035", "efficientnet_b0", "resnet50_v2", "convnext_tiny"])
def test_backbones_have_a_grid(name):
    model = zoo(name, side=96)
    found = last_grid(model)
    assert (found.rows, found.columns) == (3, 3)
    maps = class_maps(model, found, np.repeat(np.repeat(IMAGES, 3, 1), 3, 2), CLASSES)
    assert maps.shape == (5, 96, 96)
    assert np.ptp(maps, axis=(1, 2)).max() > 0.1


@pytest.mark.parametrize("inner", [
    (layers.Flatten(),),
    (layers.Rescaling(2.0), layers.Flatten()),  # a grid, of pixels
    (layers.Conv2D(4, 32), layers.Flatten()),  # of one place
    (layers.Conv2D(4, 8, strides=8), layers.Reshape((16, 4)), layers.Dense(4), layers.GlobalAveragePooling1D()),
], ids=["pixels", "rescaled pixels", "one place", "tokens"])  # fmt: skip
def test_what_ends_in_no_grid_has_none(inner):
    assert last_grid(plain(*inner)) is None


def test_a_sequence_that_nothing_weighs_hides_no_grid():
    model = plain(layers.Conv2D(4, 8, strides=8, name="last"), layers.Reshape((16, 4)), layers.GlobalMaxPooling1D())
    assert last_grid(model).layer.name == "last"


def tail_of(model: keras.Model, grid) -> tuple[keras.Model, np.ndarray]:
    """(grid -> logits, float64 [rows, columns, channels] of the first picture)."""
    body, tail = keras.Model(model.input, grid.layer.output), keras.Model(grid.layer.output, model.output)
    return tail, np.asarray(body(IMAGES[:1]), np.float64)[0]


@pytest.mark.parametrize("answer", [0, 1])
@pytest.mark.parametrize("make", [zoo, lambda: zoo("catdog_1", filters=(4, 6), units=5, classes=2)])
def test_a_map_is_the_formulas_by_numerical_gradients(make, answer):
    model = make()
    grid = last_grid(model)
    tail, features = tail_of(model, grid)
    steps = 1e-2 * np.eye(features.size).reshape(features.size, *features.shape)
    ahead, behind = (np.asarray(tail((features + sign * steps).astype(np.float32)), float) for sign in (1, -1))
    logits = ahead - behind
    gradients = logits[:, answer] if logits.shape[1] > 1 else logits[:, 0] * (1 if answer else -1)
    small = np.maximum((gradients.reshape(features.shape) * features).sum(axis=-1), 0)
    assert small.max() > 0
    expected = tf.image.resize((small / small.max())[None, ..., None], (32, 32))[0, ..., 0]
    found = class_maps(model, grid, IMAGES[:1], np.array([answer]))[0]
    np.testing.assert_allclose(found, expected, atol=0.03)


def test_where_features_are_averaged_it_is_the_papers_map():
    model = zoo()
    grid = last_grid(model)
    tail, features = tail_of(model, grid)
    values = tf.constant(features[None], tf.float32)
    with tf.GradientTape() as tape:
        tape.watch(values)
        logit = tail(values)[0, 1]
    weights = np.asarray(tape.gradient(logit, values)).mean(axis=(1, 2))[0]
    small = np.maximum(features @ weights, 0)
    expected = tf.image.resize((small / small.max())[None, ..., None], (32, 32))[0, ..., 0]
    np.testing.assert_allclose(class_maps(model, grid, IMAGES[:1], np.array([1]))[0], expected, atol=1e-4)


@pytest.mark.parametrize("name", ["residual_small", "catdog_1"])
def test_a_picture_has_the_same_map_alone_and_among_others(name, monkeypatch):
    model = zoo(name) if name == "residual_small" else zoo(name, filters=(4, 6), units=5, classes=2)
    grid = last_grid(model)
    together = class_maps(model, grid, IMAGES, CLASSES)
    alone = [class_maps(model, grid, IMAGES[[one]], CLASSES[[one]])[0] for one in range(5)]
    np.testing.assert_allclose(together, alone, atol=1e-5)
    monkeypatch.setattr(gradcam, "_BATCH_PIXELS", 2 * 32 * 32)
    np.testing.assert_allclose(class_maps(model, grid, IMAGES, CLASSES), together, atol=1e-5)
    assert np.ptp(together, axis=0).max() > 0.05  # other pictures, other maps


def test_random_weights_give_other_maps():
    # Adebayo et al., "Sanity Checks for Saliency Maps" (2018): a map that no weight has part in says nothing of them.
    one, other = zoo(seed=1), zoo(seed=2)
    maps = [class_maps(model, last_grid(model), IMAGES, CLASSES) for model in (one, other)]
    assert np.abs(maps[0] - maps[1]).mean() > 0.05
    correlation = np.corrcoef(maps[0].ravel(), maps[1].ravel())[0, 1]
    assert correlation < 0.8, correlation


def corners(count: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """(noise with a bright square in a corner, [count, 16, 16, 1]; which of the four corners)."""
    generator = np.random.default_rng(seed)
    images = generator.uniform(0, 0.5, (count, 16, 16, 1)).astype(np.float32)
    labels = generator.integers(0, 4, count)
    for image, label in zip(images, labels, strict=True):
        top, left = 10 * (label // 2), 10 * (label % 2)
        image[top + 1 : top + 5, left + 1 : left + 5] = 1.0
    return images, labels


def test_the_maps_of_a_trained_network_lie_on_what_decides_the_class():
    keras.utils.set_random_seed(3)
    image = keras.Input((16, 16, 1))
    features = layers.Conv2D(8, 3, padding="same", activation="relu")(image)
    features = layers.Conv2D(8, 3, strides=2, padding="same", activation="relu", name="grid")(features)
    model = keras.Model(image, layers.Dense(4)(layers.Flatten()(features)))
    optimizer = keras.optimizers.Adam(0.01)
    images, labels = corners(256, 1)

    @tf.function
    def step(pictures, answers):
        with tf.GradientTape() as tape:
            loss = tf.reduce_mean(tf.nn.sparse_softmax_cross_entropy_with_logits(answers, model(pictures)))
        optimizer.apply(tape.gradient(loss, model.trainable_variables), model.trainable_variables)

    for number in range(100):
        rows = slice(32 * (number % 8), 32 * (number % 8) + 32)
        step(tf.constant(images[rows]), tf.constant(labels[rows]))
    shown, answers = corners(24, 2)
    assert (np.asarray(model(shown)).argmax(axis=1) == answers).mean() > 0.95
    maps = class_maps(model, last_grid(model), shown, answers)
    inside = []
    for map_, label in zip(maps, answers, strict=True):
        top, left = 10 * (label // 2), 10 * (label % 2)
        inside.append(map_[top : top + 6, left : left + 6].sum() / map_.sum())
    # A quarter of the picture's side, and the mass of the map: by chance a map has 36 of 256 there, or 0.14.
    assert np.mean(inside) > 0.5, np.mean(inside)
