import keras
import numpy as np
import pytest
import tensorflow as tf

from base.errors import UserError
from models.convolutional import read_side, smallest_side
from models.heads import per_example_loss
from models.options import ModelOptions
from models.zoo import build_model

# By hand: sum of (9 inputs + 1) outputs of each convolution + (flat + 1) units + (units + 1) logits.
PARAMETERS = [
    # 100 -> 98 -> 49 -> 47 -> 23: flat 23 * 23 * 32 = 16928; 896 + 9248 + 1083456 + 195
    ("realsense_cnn", 3, 100, 1_093_795),
    # 112 -> 55 -> 26 -> 12: flat 12 * 12 * 64 = 9216; 896 + 18496 + 36928 + 589888 + 65
    ("catdog_1", 2, 112, 646_273),
    # one block more: flat 5 * 5 * 64 = 1600; 896 + 18496 + 36928 + 36928 + 397048 + 249
    ("catdog_2", 2, 112, 490_545),
    # flat 12 * 12 * 128 = 18432; 896 + 18496 + 73856 + 2359424 + 129
    ("catdog_3", 2, 112, 2_452_801),
]


@pytest.mark.parametrize(("name", "num_classes", "side", "parameters"), PARAMETERS)
def test_parameters_are_those_counted_by_hand(name, num_classes, side, parameters):
    assert build_model(ModelOptions(name), 1, num_classes, (side, side, 3)).count_params() == parameters


def test_layers_are_those_of_the_report():
    model = build_model(ModelOptions("catdog_1"), 1, 2, (112, 112, 3))
    assert [layer.name for layer in model.layers] == [
        *("image", "crop_unread"),
        *("block1_conv", "block1_pool", "block1_relu"),
        *("block2_conv", "block2_pool", "block2_relu"),
        *("block3_conv", "block3_pool", "block3_relu"),
        *("flatten", "dense", "dropout", "logits"),
    ]
    assert model.get_layer("dropout").rate == 0.2
    assert "dropout" not in [
        layer.name for layer in build_model(ModelOptions("realsense_cnn"), 1, 3, (100, 100, 3)).layers
    ]


def test_one_logit_for_the_cats_and_dogs_else_one_a_class():
    def width(name, num_classes):
        return build_model(ModelOptions(name), 1, num_classes, (64, 64, 3)).output_shape[-1]

    assert (width("catdog_2", 2), width("catdog_2", 3), width("realsense_cnn", 2)) == (1, 3, 2)


def test_filters_units_dropout_and_l2_are_followed():
    options = ModelOptions("catdog_2", filters=(8, 16), units=24, dropout=0.5, l2=0.01)
    model = build_model(options, 1, 2, (32, 32, 1))
    assert model.count_params() == 80 + 1168 + (6 * 6 * 16 + 1) * 24 + 25
    assert model.get_layer("dropout").rate == 0.5
    kernels = [np.asarray(v, np.float64) for v in model.trainable_variables if v.path.endswith("kernel")]
    assert len(kernels) == len(model.losses) == 4
    np.testing.assert_allclose(sum(model.losses), sum(0.01 * np.square(k).sum() for k in kernels), rtol=1e-5)


def test_a_pixel_is_read_where_the_logits_depend_on_it_and_nowhere_else():
    model = build_model(ModelOptions("realsense_cnn"), 1, 3, (29, 29, 3))
    images = tf.Variable(np.random.default_rng(4).random((4, 29, 29, 3), dtype=np.float32))
    with tf.GradientTape() as tape:
        loss = tf.reduce_sum(model(images, training=False) ** 2)
    slopes = np.abs(tape.gradient(loss, images)).max(axis=(0, 3))
    # 29 -> 27 -> 13 -> 11 -> 5: back from 5 it is 10, 12, 24, 26.
    assert read_side(29, 2) == 26
    assert min(slopes[25].max(), slopes[:, 25].max()) > 0
    assert max(slopes[26:].max(), slopes[:, 26:].max()) == 0


def test_blocks_too_many_for_the_picture_are_refused():
    assert [smallest_side(blocks) for blocks in (1, 2, 3, 4)] == [4, 10, 22, 46]
    assert build_model(ModelOptions("catdog_2"), 1, 2, (46, 46, 3)).get_layer("block4_relu").output.shape[1] == 1
    with pytest.raises(UserError, match="--image_size=45: catdog_2 with 4 blocks needs at least 46 pixels a side"):
        build_model(ModelOptions("catdog_2"), 1, 2, (45, 45, 3))


def _report_model(shape: tuple[int, int, int], filters: tuple[int, ...], units: int) -> keras.Model:
    """The same network on the whole picture, relu before the pooling, as the report writes it."""
    model = keras.Sequential([keras.Input(shape)])
    for width in filters:
        model.add(keras.layers.Conv2D(width, 3, activation="relu"))
        model.add(keras.layers.MaxPooling2D(2))
    model.add(keras.layers.Flatten())
    model.add(keras.layers.Dense(units, activation="relu"))
    model.add(keras.layers.Dense(1))
    return model


@pytest.mark.parametrize(("shape", "cropped"), [((46, 46, 3), 0), ((47, 61, 3), 1), ((76, 77, 1), 1)])
def test_neither_the_crop_nor_relu_after_the_pooling_changes_values_or_gradients(shape, cropped):
    ours = build_model(ModelOptions("catdog_2"), 1, 2, shape)
    assert sum(layer.name == "crop_unread" for layer in ours.layers) == cropped
    theirs = _report_model(shape, (32, 64, 64, 64), 248)
    theirs.set_weights(ours.get_weights())
    images = np.random.default_rng(3).random((8, *shape), dtype=np.float32)
    labels = np.arange(8) % 2

    def logits_and_gradients(model):
        with tf.GradientTape() as tape:
            logits = model(images, training=False)
            loss = tf.reduce_sum(per_example_loss(labels, logits, 2))
        return [logits, *tape.gradient(loss, model.trainable_variables)]

    for one, other in zip(logits_and_gradients(ours), logits_and_gradients(theirs), strict=True):
        assert np.abs(one).max() > 0
        np.testing.assert_allclose(one, other, rtol=1e-5, atol=1e-6)
