import hashlib

import keras
import numpy as np
import pytest
import tensorflow as tf

from base.errors import UserError
from models.options import CONVOLUTIONAL_NAMES, ModelOptions
from models.zoo import build_model
from tests.helpers.run_fixtures import run_code

SMALL = (*CONVOLUTIONAL_NAMES, "residual_small", "residual_medium")
# Prints a hash of every variable, path by path.
HASHES = """
import hashlib, sys
from models.options import ModelOptions
from models.zoo import build_model
model = build_model(ModelOptions(sys.argv[1]), 5, 3, (46, 46, 3))
for variable in model.variables:
    print(variable.path, hashlib.sha256(variable.numpy().tobytes()).hexdigest())
"""


@pytest.fixture(params=["float32", "mixed_bfloat16", "mixed_float16"])
def policy(request):
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy(request.param)
    yield request.param
    keras.config.set_dtype_policy(before)


def _variables(name: str, seed: int = 5) -> dict[str, np.ndarray]:
    model = build_model(ModelOptions(name), seed, 3, (46, 46, 3))
    values = {variable.path: np.asarray(variable) for variable in model.variables}
    assert len(values) == len(model.variables)
    return values


def _random(variables: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    return {path: v for path, v in variables.items() if path.endswith(("kernel", "seed_generator_state"))}


@pytest.mark.parametrize("name", [*SMALL, "mobilenet_v2_035"])
def test_the_same_seed_gives_the_same_weights_and_another_seed_others(name):
    first, again = _variables(name), _variables(name)
    assert list(first) == list(again)
    assert all(np.array_equal(first[path], again[path]) for path in first)
    other = _random(_variables(name, seed=6))
    assert len(other) >= 4
    assert not any(np.array_equal(first[path], other[path]) for path in other)


def test_layers_of_one_shape_differ():
    kernels = _random(_variables("catdog_2", seed=1))
    assert kernels["block3_conv/kernel"].shape == kernels["block4_conv/kernel"].shape
    assert np.abs(kernels["block3_conv/kernel"] - kernels["block4_conv/kernel"]).mean() > 0.01


def test_weights_do_not_depend_on_the_policy(policy):
    built = _variables("residual_small")
    keras.config.set_dtype_policy("float32")
    plain = _variables("residual_small")
    assert all(np.array_equal(built[path], plain[path]) for path in plain)


def test_weights_do_not_depend_on_the_strategy():
    with tf.distribute.MirroredStrategy(["CPU:0"]).scope():
        scoped = _variables("catdog_1")
    plain = _variables("catdog_1")
    assert all(np.array_equal(scoped[path], plain[path]) for path in plain)


def test_weights_do_not_depend_on_the_process():
    done = run_code(HASHES, "residual_small")
    assert done.code == 0, done.stderr
    other = done.stdout.splitlines()
    ours = _variables("residual_small")
    assert other == [f"{path} {hashlib.sha256(v.tobytes()).hexdigest()}" for path, v in ours.items()]


@pytest.mark.parametrize("name", SMALL)
def test_float32_at_both_ends_and_in_every_variable(name, policy):
    model = build_model(ModelOptions(name), 1, 3, (46, 46, 3))
    images = np.random.default_rng(1).random((2, 46, 46, 3), dtype=np.float32)
    logits = model(images)
    assert (model.input.name, model.input.dtype) == ("image", "float32")
    assert logits.dtype == tf.float32
    assert logits.shape == (2, 3)
    assert {variable.dtype for variable in model.weights} == {"float32"}
    inner = next(layer for layer in model.layers if layer.name in ("dense", "pool")).compute_dtype
    assert inner == {"float32": "float32", "mixed_bfloat16": "bfloat16", "mixed_float16": "float16"}[policy]


def test_the_dropout_state_is_among_the_variables_and_moves():
    model = build_model(ModelOptions("catdog_2"), 1, 2, (46, 46, 3))
    (state,) = [v for v in model.variables if v.path == "dropout_mask/seed_generator_state"]
    assert all(state is not v for v in model.weights)
    images = np.random.default_rng(1).random((2, 46, 46, 3), dtype=np.float32)
    before = np.asarray(state)
    first, second = model(images, training=True).numpy(), model(images, training=True).numpy()
    assert np.any(np.asarray(state) != before)
    assert np.any(first != second)
    state.assign(before)
    np.testing.assert_array_equal(model(images, training=True).numpy(), first)


def test_dropout_zeroes_its_fraction_only_in_training():
    model = build_model(ModelOptions("catdog_2", dropout=0.3), 1, 2, (46, 46, 3))
    ones = np.ones((100, 1000), np.float32)
    dropped = model.get_layer("dropout")(ones, training=True).numpy()
    assert abs((dropped == 0).mean() - 0.3) < 0.01
    np.testing.assert_allclose(dropped[dropped != 0], 1 / 0.7, rtol=1e-6)
    np.testing.assert_array_equal(model.get_layer("dropout")(ones, training=False), ones)


def test_a_model_trains_and_exports_under_half_precision(policy, tmp_path):
    model = build_model(ModelOptions("residual_small", filters=(8,), l2=1e-3), 1, 3, (16, 16, 3))
    assert {loss.dtype for loss in model.losses} == {tf.float32}
    model.export(tmp_path / "saved", verbose=False)
    images = np.random.default_rng(1).random((2, 16, 16, 3), dtype=np.float32)
    saved = tf.saved_model.load(tmp_path / "saved")
    np.testing.assert_allclose(saved.serve(images), model(images), rtol=2e-2, atol=2e-2)


def test_one_class_is_refused():
    with pytest.raises(UserError, match="there are 1 classes: a classifier needs at least 2"):
        build_model(ModelOptions("residual_small"), 1, 1, (32, 32, 3))
