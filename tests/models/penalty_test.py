"""--l2 and --dropout are followed by every model: each kernel is in the penalty once, the last features are dropped."""

import numpy as np
import pytest

from models.layers import Dropout
from models.options import MODEL_NAMES, ModelOptions
from models.zoo import build_model

QUICK = ("realsense_cnn", "catdog_2", "residual_small", "mobilenet_v2_035", "mobilenet_v3_small")
NAMES = [name if name in QUICK else pytest.param(name, marks=pytest.mark.slow) for name in MODEL_NAMES]


@pytest.mark.parametrize("name", NAMES)
def test_every_kernel_is_penalised_once_and_the_last_features_are_dropped(name):
    model = build_model(ModelOptions(name, l2=0.25, dropout=0.75), 1, 3, (48, 48, 3))
    kernels = [variable for variable in model.trainable_variables if len(variable.shape) >= 2]
    expected = 0.25 * sum(float(np.square(np.asarray(kernel, np.float64)).sum()) for kernel in kernels)
    assert float(sum(model.losses)) == pytest.approx(expected, rel=1e-4)
    assert any(kernel.path.startswith("logits/") for kernel in kernels)
    layer = model.get_layer("dropout")
    assert (type(layer), layer.rate) == (Dropout, 0.75)
    assert model.layers[model.layers.index(layer) + 1].name == "logits"
    features = np.ones((400, layer.output.shape[-1]), np.float32)
    assert np.mean(np.asarray(layer(features, training=True)) == 0) == pytest.approx(0.75, abs=0.02)


@pytest.mark.parametrize("name", ["catdog_2", "residual_small"])
def test_without_them_nothing_is_penalised_or_dropped(name):
    model = build_model(ModelOptions(name, dropout=0.0), 1, 3, (48, 48, 3))
    assert model.losses == []
    assert not [layer for layer in model.layers if isinstance(layer, Dropout)]
