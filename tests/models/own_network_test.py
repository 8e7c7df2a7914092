"""A user's own network: a function of the seed, with our layers where Keras's own would disturb, ending in logits."""

import hashlib
import random
from pathlib import Path

import keras
import numpy as np
import pytest
import tensorflow as tf

from models import layers as ours
from models.layers import Layers
from models.network_file import NetworkFile
from models.options import ModelOptions
from models.own_network import build_network, check_network, fresh_draws, left_as_they_are
from models.zoo import build_model, check_model

SHAPE = (16, 16, 3)
HEAD = "import keras\nfrom keras import layers as L\nimport numpy as np\nimport tensorflow as tf\nimport random\n\n"
# Everything that draws, in each of the three ways in which a model is written.
FUNCTIONAL = (
    HEAD
    + """
def build(num_classes, pixel_shape):
    image = keras.Input(pixel_shape)
    x = L.Conv2D(6, 3, strides=2, use_bias=False)(image)
    x = L.BatchNormalization()(x)
    x = L.SpatialDropout2D(0.2)(L.ReLU()(x))
    y = keras.Sequential([L.Conv2D(6, 1), L.BatchNormalization(), L.Dropout(0.3)])(x)
    x = L.GlobalAveragePooling2D()(x + y)
    return keras.Model(image, L.Dense(num_classes)(L.Dropout(0.4)(x)))
"""
)
SEQUENTIAL = (
    HEAD
    + """
def build(num_classes, pixel_shape):
    scale = float(np.random.uniform(1, 2)) * random.random()
    return keras.Sequential([
        L.Conv2D(6, 3, strides=2, kernel_initializer=lambda shape, dtype: scale * tf.random.normal(shape, dtype=dtype)),
        L.BatchNormalization(), L.ReLU(), L.Flatten(), L.Dropout(0.3), L.Dense(num_classes)])
"""
)
SUBCLASS = (
    HEAD
    + """
class Block(L.Layer):
    def __init__(self, width):
        super().__init__()
        self.convolution = L.Conv2D(width, 3, strides=2)
        self.norm = L.BatchNormalization()
        self.drop = L.Dropout(0.3)

    def call(self, x, training=False):
        return self.drop(self.norm(self.convolution(x), training=training), training=training)


class Net(keras.Model):
    def __init__(self, num_classes):
        super().__init__()
        self.block, self.pool, self.top = Block(6), L.GlobalAveragePooling2D(), L.Dense(num_classes)

    def call(self, image, training=False):
        return self.top(self.pool(self.block(image, training=training)))


def build(num_classes, pixel_shape):
    return Net(num_classes)
"""
)
KINDS = {"functional": FUNCTIONAL, "sequential": SEQUENTIAL, "subclass": SUBCLASS}


def file_of(folder: Path, text: str) -> NetworkFile:
    path = folder / f"net_{hashlib.sha256(text.encode()).hexdigest()[:8]}.py"  # a path is read once
    path.write_text(text)
    return NetworkFile(path, "build")


def layers_of(file: NetworkFile, seed: int = 1, **settings) -> Layers:
    return Layers(ModelOptions(f"{file.path}:build", **settings), seed)


def built(folder: Path, text: str, seed: int = 1, classes: int = 3, **settings) -> keras.Model:
    file = file_of(folder, text)
    return build_network(file, layers_of(file, seed, **settings), classes, SHAPE)


def values(model: keras.Model) -> dict[str, np.ndarray]:
    return {variable.path: np.asarray(variable) for variable in model.variables}


@pytest.mark.parametrize("kind", KINDS)
def test_weights_and_their_names_are_a_function_of_the_seed(kind, tmp_path):
    first, again = values(built(tmp_path, KINDS[kind])), values(built(tmp_path, KINDS[kind]))
    keras.layers.Dense(3), random.random(), np.random.random()
    assert list(first) == list(again)
    assert len(first) > 8
    assert all(np.array_equal(first[path], again[path]) for path in first)
    other = values(built(tmp_path, KINDS[kind], seed=2))
    drawn = [path for path in first if path.endswith(("kernel", "seed_generator_state"))]
    assert len(drawn) >= 3
    assert not any(np.array_equal(first[path], other[path]) for path in drawn)


@pytest.mark.parametrize("kind", KINDS)
def test_what_can_be_trained_passes_and_gives_float32_logits_of_the_pictures(kind, tmp_path):
    file = file_of(tmp_path, KINDS[kind])
    check_network(file, layers_of(file), 3, SHAPE)
    model = built(tmp_path, KINDS[kind])
    images = np.random.default_rng(0).random((4, *SHAPE), dtype=np.float32)
    logits = model(images).numpy()
    assert (model.input.name, model.name, logits.shape, logits.dtype) == ("image", "build", (4, 3), np.float32)
    assert len(np.unique(logits, axis=0)) == 4


@pytest.mark.parametrize("kind", ["functional", "sequential"])
def test_the_network_can_be_cut_at_each_of_its_layers(kind, tmp_path):
    model = built(tmp_path, KINDS[kind])
    images = np.random.default_rng(0).random((4, *SHAPE), dtype=np.float32)
    *_, features, last = [layer for layer in model.layers if not isinstance(layer, ours.Dropout)]
    cut = keras.Model(model.input, features.output)
    np.testing.assert_allclose(last(cut(images)), model(images), rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("policy", ["mixed_bfloat16", "mixed_float16"])
def test_logits_are_float32_under_a_mixed_policy_that_the_network_follows(kind, policy, tmp_path):
    keras.config.set_dtype_policy(policy)
    model = built(tmp_path, KINDS[kind])
    convolutions = [layer for layer in model._flatten_layers() if isinstance(layer, keras.layers.Conv2D)]
    assert {layer.compute_dtype for layer in convolutions} == {policy.removeprefix("mixed_")}
    assert model.output.dtype == "float32"
    assert {variable.dtype for variable in model.trainable_variables} == {"float32"}
    if kind != "subclass":
        assert model.layers[-1].compute_dtype == "float32"
        fine = model(np.random.default_rng(0).random((8, *SHAPE), dtype=np.float32)).numpy()
        assert np.any(fine != tf.cast(tf.cast(fine, tf.bfloat16), tf.float32).numpy())


def test_keras_layers_that_disturb_are_ours_and_compute_the_same(tmp_path):
    model = built(tmp_path, FUNCTIONAL)
    theirs = file_of(tmp_path, FUNCTIONAL).load()(3, SHAPE)
    kinds = [type(layer) for layer in model._flatten_layers()]
    assert (kinds.count(ours.Dropout), kinds.count(ours.BatchNormalization)) == (3, 2)
    assert not {keras.layers.Dropout, keras.layers.SpatialDropout2D, keras.layers.BatchNormalization} & set(kinds)
    assert left_as_they_are(model) == []
    images = np.random.default_rng(0).random((4, *SHAPE), dtype=np.float32)
    for layer in theirs._flatten_layers():
        if isinstance(layer, keras.layers.BatchNormalization):
            layer.gamma.assign(np.linspace(0.5, 2, 6))
    model.set_weights(theirs.get_weights())
    np.testing.assert_allclose(model(images), theirs(images), rtol=1e-5, atol=1e-6)
    assert np.abs(theirs(images)).max() > 0.01
    spatial = next(layer for layer in model.layers if layer.name.startswith("spatial"))
    kept = spatial(np.ones((64, 4, 4, 6), np.float32), training=True).numpy() != 0
    assert (kept.all(axis=(1, 2)) | ~kept.any(axis=(1, 2))).all()
    assert 0.7 < kept.mean() < 0.9


def test_what_is_inside_a_layer_of_the_users_own_stays_and_is_said(tmp_path):
    norm, drop = left_as_they_are(built(tmp_path, SUBCLASS))
    assert "batch_normalization: BatchNormalization inside another layer: the rows that only fill up" in norm
    assert "dropout: Dropout inside another layer: every replica" in drop


def test_values_that_the_function_gives_stay(tmp_path):
    text = FUNCTIONAL.replace("return keras.Model(image, L.Dense(num_classes)(L.Dropout(0.4)(x)))", "return pretrained("
        "keras.Model(image, L.Dense(num_classes)(L.Dropout(0.4)(x))))") + """
def pretrained(model):
    model.set_weights([np.full(one.shape, 0.25, np.float32) for one in model.get_weights()])
    model.layers[1].trainable = False
    return model
"""  # fmt: skip
    model = built(tmp_path, text)
    assert all((array == 0.25).all() for path, array in values(model).items() if "seed" not in path)
    assert len(model.trainable_variables) == len(built(tmp_path, FUNCTIONAL).trainable_variables) - 1


def test_l2_reaches_every_kernel_but_those_with_a_penalty_of_their_own(tmp_path):
    text = FUNCTIONAL.replace(
        "L.Dense(num_classes)", "L.Dense(num_classes, kernel_regularizer=keras.regularizers.L1(0.5))"
    )
    model = built(tmp_path, text, l2=0.01)
    *convolutions, top = [np.asarray(v, np.float64) for v in model.trainable_variables if v.path.endswith("kernel")]
    expected = sum(0.01 * np.square(kernel).sum() for kernel in convolutions) + 0.5 * np.abs(top).sum()
    np.testing.assert_allclose(sum(model.losses), expected, rtol=1e-5)


def test_global_generators_and_names_go_on_where_they_were():
    name = keras.layers.Dense(3).name
    random.seed(5), np.random.seed(5)
    expected = random.random(), np.random.random()
    random.seed(5), np.random.seed(5)
    with fresh_draws(7):
        inside = random.random(), np.random.random(), keras.layers.Dense(3).name
    assert inside[2] == "dense"
    assert inside[:2] != expected
    assert (random.random(), np.random.random()) == expected
    assert keras.layers.Dense(3).name not in (name, "dense")


def test_a_lambda_a_custom_layer_and_shared_layers_stay_as_they_are(tmp_path):
    text = (
        HEAD
        + """
class Twice(L.Layer):
    def __init__(self, factor):  # no get_config: it cannot be described
        super().__init__()
        self.factor = self.add_weight(shape=(), initializer=keras.initializers.Constant(factor), name="factor")

    def call(self, x):
        return x * self.factor


def build(num_classes, pixel_shape):
    image = keras.Input(pixel_shape)
    shared = L.Dense(4)
    x = L.Lambda(lambda one: one[:, ::2, ::2])(image)
    x = Twice(2.0)(shared(x)) + shared(x[:, ::-1])
    return keras.Model(image, L.Dense(num_classes)(L.Flatten()(x)))
"""
    )
    model = built(tmp_path, text)
    assert len(model.trainable_variables) == 5
    theirs = file_of(tmp_path, text).load()(3, SHAPE)
    model.set_weights(theirs.get_weights())
    images = np.random.default_rng(0).random((4, *SHAPE), dtype=np.float32)
    np.testing.assert_allclose(model(images), theirs(images), rtol=1e-5, atol=1e-6)


def test_other_models_need_no_check_and_a_class_is_a_function_too(tmp_path):
    check_model(ModelOptions(), 1, 3, SHAPE)
    file = file_of(
        tmp_path, SUBCLASS.replace("def __init__(self, num_classes):", "def __init__(self, num_classes, _):")
    )
    model = build_model(ModelOptions(f"{file.path}:Net"), 1, 2, SHAPE)
    assert model.output_shape == (None, 2)
