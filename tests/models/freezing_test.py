"""What is frozen: which layers by which name, that nothing of them moves, and at which rate the others learn."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from base.errors import UserError
from models.freezing import backbone_layers, freeze, freeze_all, rate_factors
from models.layers import BatchNormalization, Dropout, normalizes_batches
from models.options import ModelOptions
from models.zoo import build_model

SHAPE = (32, 32, 3)
RNG = np.random.default_rng(4)


def backbone() -> keras.Model:
    return build_model(ModelOptions("mobilenet_v2_035", dropout=0.0), 1, 3, SHAPE)


def flat() -> keras.Model:
    """The backbone's layers are the model's own."""
    return build_model(ModelOptions("residual_small", filters=(4, 6, 8)), 1, 3, SHAPE)


def pictures(count: int = 6) -> np.ndarray:
    return RNG.uniform(0, 1, (count, 4, 4, 3)).repeat(8, 1).repeat(8, 2).astype(np.float32)


def first_learning(model: keras.Model) -> str:
    """The name of the first layer of the backbone whose variables learn."""
    return next(layer.name for layer in backbone_layers(model) if layer.trainable_variables)


@pytest.mark.parametrize(
    ("make", "text", "first"),
    [
        (backbone, "block_13_expand", "block_13_expand"),
        (backbone, "block_13", "block_13_expand"),
        (backbone, "block_1", "block_1_expand"),  # and none of block_10 to block_16
        (backbone, "block_13_expand_relu", "block_13_depthwise"),  # a layer without weights
        (backbone, "", "Conv1"),
        (backbone, "0", "Conv1"),
        (flat, "stage2", "stage2_block1_first_norm"),
        (flat, "stage3_block1_conv2", "stage3_block1_conv2"),
    ],
)
def test_layers_learn_from_the_named_one_on(make, text, first):
    model = make()
    freeze(model, text)
    assert first_learning(model) == first
    layers = backbone_layers(model)
    place = [layer.name for layer in layers].index(first)
    assert not [layer.name for layer in layers[:place] if layer.trainable_variables]
    assert all(
        variable.trainable for layer in layers[place:] for variable in layer.weights if "moving" not in variable.name
    )
    assert {"logits/kernel", "logits/bias"} < {variable.path for variable in model.trainable_variables}


def test_a_fraction_counts_layers_with_weights():
    model = backbone()
    freeze(model, "0.6")
    weighted = [layer for layer in backbone_layers(model) if layer.weights]
    learn = [bool(layer.trainable_variables) for layer in weighted]
    assert learn == [False] * int(0.6 * len(weighted)) + [True] * (len(weighted) - int(0.6 * len(weighted)))


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("block_13_expnd", "unknown --unfreeze_from 'block_13_expnd': did you mean 'block_13_expand'?"),
        ("out_relu", "--unfreeze_from=out_relu: no layer from there on has weights: --train=head"),
        ("1", "--unfreeze_from=1: a fraction of the layers must be from 0 to below 1"),
        ("nan", "--unfreeze_from=nan: a fraction"),
        ("logits", "unknown --unfreeze_from 'logits'"),  # no layer of the backbone
    ],
)
def test_a_layer_that_is_none_is_named(text, words):
    with pytest.raises(UserError) as caught:
        freeze(backbone(), text)
    assert str(caught.value).startswith(words)
    assert "\n" not in str(caught.value)


def test_frozen_layers_compute_as_in_evaluation_and_none_of_their_statistics_moves():
    model, images = backbone(), pictures()
    freeze_all(model)
    before = [np.asarray(variable) for variable in model.variables]
    in_training = model(images, training=True).numpy()
    np.testing.assert_array_equal(in_training, model(images, training=False).numpy())
    for old, variable in zip(before, model.variables, strict=True):
        np.testing.assert_array_equal(np.asarray(variable), old, variable.path)
    assert [variable.path for variable in model.trainable_variables] == ["logits/kernel", "logits/bias"]


@pytest.mark.parametrize("keeps", [True, False])
@pytest.mark.parametrize("make", [backbone, flat])
def test_a_backbone_that_learns_keeps_its_statistics_or_not(make, keeps):
    model, images = make(), pictures()
    freeze(model, "", keeps)
    with tf.GradientTape() as tape:
        loss = tf.reduce_sum(model(images, training=True) ** 2)
    learning = model.trainable_variables
    gradients = dict(zip([v.path for v in learning], tape.gradient(loss, learning), strict=True))
    moved = [path for path, value, old in statistics_of(model) if not np.array_equal(value, old)]
    assert bool(moved) is not keeps
    assert normalizes_batches(model) is not keeps
    # Their scale and offset learn all the same.
    assert sum("gamma" in path and np.abs(np.asarray(gradients[path])).max() > 0 for path in gradients) > 3


def statistics_of(model: keras.Model) -> list[tuple]:
    """(path, value, what it was when it was made) of each moving statistic."""
    return [(variable.path, np.asarray(variable), np.full(variable.shape, float("variance" in variable.path)))
            for variable in model.variables if "moving_" in variable.path]  # fmt: skip


def test_above_frozen_layers_statistics_move_where_they_are_not_kept():
    model = backbone()
    freeze(model, "block_13")
    model(pictures(), training=True)
    moved = {path.split("/")[-2] for path, value, old in statistics_of(model) if not np.array_equal(value, old)}
    assert "block_13_expand_BN" in moved
    assert not moved & {"bn_Conv1", "block_12_project_BN"}
    assert normalizes_batches(model)


def test_frozen_dropout_drops_nothing():
    layer, values = Dropout(0.5, 1, name="drop"), np.ones((4, 50), np.float32)
    assert (layer(values, training=True).numpy() == 0).any()
    layer.trainable = False
    np.testing.assert_array_equal(layer(values, training=True).numpy(), values)


def test_kept_statistics_are_those_of_evaluation():
    layer, values = BatchNormalization(name="norm"), RNG.normal(3, 2, (5, 4, 4, 2)).astype(np.float32)
    layer(values, training=True)
    layer.keeps_statistics = True
    np.testing.assert_array_equal(layer(values, training=True).numpy(), layer(values, training=False).numpy())


def test_the_backbones_variables_alone_are_slowed():
    model = backbone()
    freeze(model, "block_16")
    factors = rate_factors(model, 0.1)
    slowed = {
        variable.path for variable, factor in zip(model.trainable_variables, factors, strict=True) if factor == 0.1
    }
    assert {variable.path for variable in model.trainable_variables} - slowed == {"logits/kernel", "logits/bias"}
    assert set(factors) == {0.1, 1.0}


def test_a_model_without_a_features_layer_has_no_backbone():
    model = build_model(ModelOptions("catdog_1", filters=(4,), units=5), 1, 3, SHAPE)
    assert backbone_layers(model) == []
    assert rate_factors(model, 0.1) == [1.0] * len(model.trainable_variables)
