"""Backbones: Keras's own networks, built again as a function of the seed, behind the range that each wants."""

import keras
import numpy as np
import pytest

from base.errors import UserError
from models import backbones
from models.backbone_table import BACKBONES
from models.backbone_weights import copy_weights
from models.layers import Layers
from models.options import ModelOptions
from models.zoo import build_model
from tests.helpers.keras_networks import liven, module_of, pictures, whole_network


def test_the_range_is_made_in_float32_under_a_mixed_policy():
    keras.config.set_dtype_policy("mixed_bfloat16")
    try:
        model = build_model(ModelOptions("mobilenet_v2_035"), 1, 3, (32, 32, 1))
    finally:
        keras.config.set_dtype_policy("float32")
    assert [layer.name for layer in model.layers][:3] == ["image", "gray_to_color", "rescale"]
    assert model.get_layer("rescale").output.dtype == model.get_layer("gray_to_color").output.dtype == "float32"
    assert model.output.dtype == "float32"
    assert {variable.dtype for variable in model.weights} == {"float32"}


# Of each range and of each way in which Keras makes it, a network that is quickly built; the others take minutes.
QUICK = ("mobilenet_v2_035", "mobilenet_v3_small", "efficientnet_b0", "efficientnet_v2_b0", "convnext_tiny", "vgg16")


@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=[] if name in QUICK else pytest.mark.slow) for name in BACKBONES]
)
def test_each_network_computes_what_kerass_own_does_and_is_a_function_of_the_seed(name):
    side = BACKBONES[name].smallest_side
    layers, pixels = Layers(ModelOptions(name, l2=1e-4), 1), pictures(side)
    first, again = (backbones.construct(layers, (side, side, 3)) for _ in range(2))
    assert [v.path for v in first.variables] == [v.path for v in again.variables]
    assert len({v.path for v in first.variables}) == len(first.variables)
    assert all(np.array_equal(np.asarray(a), np.asarray(b)) for a, b in _pairs(first.variables, again.variables))
    assert len(first.losses) == sum(v.path.endswith("kernel") for v in first.trainable_variables)
    assert round(first.count_params() / 1e6, 2) == BACKBONES[name].parameters_millions

    del again
    original, fed = whole_network(name, side), module_of(name).preprocess_input(pixels.copy())
    liven(original, fed)
    copy_weights(original, first)
    expected = original(fed[:4]).numpy()
    found = first(backbones.rescale(pixels[:4] / np.float32(255), name)).numpy()
    largest = np.abs(expected).max()
    assert np.abs(expected[0] - expected[1]).max() > 0.03 * largest
    # A millionth of noise in the pixels becomes at most 5e-4 of the largest feature in these networks.
    np.testing.assert_allclose(found, expected, rtol=1e-3, atol=1e-2 * largest)


def _pairs(first: list, second: list) -> zip:
    return zip(first, second, strict=True)


def test_the_statistics_follow_a_small_data_set():
    mobilenet = backbones.construct(Layers(ModelOptions("mobilenet_v2_035"), 1), (32, 32, 3))
    norms = [layer for layer in mobilenet.layers if isinstance(layer, keras.layers.BatchNormalization)]
    assert {layer.momentum for layer in norms} == {0.9}


@pytest.mark.parametrize(("name", "side"), [("densenet121", 31), ("xception", 70), ("inception_v3", 74)])
def test_pictures_that_are_too_small_are_refused(name, side):
    with pytest.raises(UserError, match=f"--image_size={side}: {name} needs at least {side + 1} pixels a side"):
        build_model(ModelOptions(name), 1, 2, (side, side, 3))
