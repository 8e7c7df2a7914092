"""The two parts of a model: together they are the model, they share its variables, and a twin computes in float32."""

import keras
import numpy as np
import pytest

from base.errors import UserError
from models.options import CONVOLUTIONAL_NAMES, ModelOptions
from models.parts import feature_part, float32_twin, head_part
from models.zoo import build_model

SHAPE = (48, 48, 3)
IMAGES = np.random.default_rng(3).uniform(size=(4, *SHAPE)).astype(np.float32)


def model_of(name="residual_small", policy="float32", classes=3, **options) -> keras.Model:
    """With statistics of BatchNorm that are not those it begins with."""
    keras.config.set_dtype_policy(policy)
    try:
        model = build_model(ModelOptions(name, **options), 1, classes, SHAPE)
    finally:
        keras.config.set_dtype_policy("float32")
    for variable in model.variables:
        if "moving_" in variable.path:
            drawn = np.random.default_rng(len(variable.path)).uniform(0.5, 1.5, variable.shape)
            variable.assign(drawn if "variance" in variable.path else 0.02 * (drawn - 1))
    return model


def numbers(tensor) -> np.ndarray:
    return keras.ops.convert_to_numpy(keras.ops.cast(tensor, "float32"))


@pytest.mark.parametrize("policy", ["float32", "mixed_bfloat16"])
@pytest.mark.parametrize(
    ("name", "dropout"), [("residual_small", 0.3), ("residual_small", 0), ("mobilenet_v2_035", 0.3)]
)
def test_the_head_of_the_features_is_the_model(name, dropout, policy):
    model = model_of(name, policy, dropout=dropout)
    features = numbers(feature_part(model)(IMAGES))
    assert features.shape == (4, model.get_layer("pool").output.shape[-1])
    assert features.std() > 1e-4
    logits = head_part(model)(features)
    assert logits.dtype == "float32"
    np.testing.assert_array_equal(numbers(logits), numbers(model(IMAGES)))


def test_the_parts_share_the_models_variables():
    model = model_of()
    features, head = feature_part(model), head_part(model)
    ours = [id(variable) for variable in features.variables + head.variables]
    assert sorted(ours) == sorted(id(variable) for variable in model.variables)
    assert [variable.path for variable in head.trainable_variables] == ["logits/kernel", "logits/bias"]
    before = numbers(model(IMAGES))
    head.get_layer("logits").kernel.assign(head.get_layer("logits").kernel * 2.0)
    assert np.abs(numbers(model(IMAGES)) - before).max() > 1e-3
    assert [layer.name for layer in model.layers] == [layer.name for layer in model_of().layers]


def test_the_head_drops_features_in_training_alone():
    model = model_of(dropout=0.5)
    head, features = head_part(model), numbers(feature_part(model)(IMAGES))
    np.testing.assert_array_equal(numbers(head(features)), numbers(head(features, training=False)))
    assert np.abs(numbers(head(features, training=True)) - numbers(head(features))).max() > 1e-3


@pytest.mark.parametrize("name", CONVOLUTIONAL_NAMES)
def test_a_model_without_such_features_is_refused(name):
    model = model_of(name, classes=2)
    for part in (feature_part, head_part):
        with pytest.raises(
            UserError, match=f"--model={name}: it has no layer 'pool'.* use residual_small or"
        ) as caught:
            part(model)
        assert "\n" not in str(caught.value)


@pytest.mark.parametrize("name", ["residual_small", "mobilenet_v2_035", "mobilenet_v3_small", "convnext_tiny"])
def test_a_twin_of_a_mixed_model_is_the_float32_model(name):
    mixed, plain = model_of(name, "mixed_bfloat16"), model_of(name)
    twin = float32_twin(feature_part(mixed))
    expected = numbers(feature_part(plain)(IMAGES))
    assert np.abs(numbers(feature_part(mixed)(IMAGES)) - expected).max() > 1e-5
    np.testing.assert_array_equal(numbers(twin(IMAGES)), expected)
    assert not {id(variable) for variable in twin.variables} & {id(variable) for variable in mixed.variables}
    assert feature_part(mixed)(IMAGES).dtype == "bfloat16"  # as it was
