import numpy as np
import pytest
import tensorflow as tf

from models.options import ModelOptions
from models.residual_wide import FILTERS
from models.zoo import build_model

NAMES = tuple(FILTERS)


@pytest.mark.parametrize("name", NAMES)
def test_parameters_are_those_counted_by_hand(name):
    one, two, three = FILTERS[name]
    # Convolutions without bias; a stage has four of 3x3, and the later ones a 1x1 shortcut.
    stem = 27 * one // 2 + 9 * one // 2 * one
    stages = 9 * (4 * one * one + one * two + 3 * two * two + two * three + 3 * three * three)
    shortcuts = one * two + two * three
    # Four numbers a channel of each convolution.
    norms = 4 * (one // 2 + one + 4 * one + 5 * two + 5 * three)
    model = build_model(ModelOptions(name), 1, 10, (32, 32, 3))
    assert model.count_params() == stem + stages + shortcuts + norms + (three + 1) * 10


@pytest.mark.parametrize(
    ("side", "first", "last"), [(32, 32, 8), (63, 63, 16), (64, 32, 8), (95, 48, 12), (96, 24, 6), (112, 28, 7),
                                (160, 40, 10), (224, 56, 14)],
)  # fmt: skip
def test_the_first_stage_is_24_to_63_pixels_and_parameters_do_not_depend_on_the_side(side, first, last):
    model = build_model(ModelOptions("residual_medium", filters=(4, 8, 16)), 1, 3, (side, side, 3))
    assert model.get_layer("stem2_relu").output.shape[1:3] == (first, first)
    assert model.get_layer("stage3_block2_relu").output.shape[1:3] == (last, last)
    assert model.count_params() == 11_561


def test_filters_are_the_widths_of_the_stages_and_blocks_their_number():
    model = build_model(ModelOptions("residual_wide", filters=(8, 12, 16, 24), blocks=3), 1, 3, (64, 64, 1))
    adds = [layer for layer in model.layers if layer.name.endswith("_add")]
    assert [layer.output.shape[-1] for layer in adds] == [8] * 3 + [12] * 3 + [16] * 3 + [24] * 3
    assert model.get_layer("pool").output.shape == (None, 24)


def test_every_block_begins_as_its_shortcut():
    model = build_model(ModelOptions("residual_medium", filters=(8, 16), blocks=2), 1, 3, (32, 32, 3))
    images = np.random.default_rng(0).random((4, 32, 32, 3), dtype=np.float32)
    for training in (False, True):
        inner = tf.keras.Model(model.input, [model.get_layer(f"{name}_relu").output for name in
                                             ("stem2", "stage1_block1", "stage1_block2")])  # fmt: skip
        stem, first, second = inner(images, training=training)
        np.testing.assert_array_equal(first, stem)
        np.testing.assert_array_equal(second, stem)
    assert np.abs(stem).max() > 0.1
    logits = model(images).numpy()
    assert len(np.unique(logits, axis=0)) == 4


def test_after_one_step_every_variable_learns():
    model = build_model(ModelOptions("residual_medium", filters=(8, 16), blocks=1), 1, 3, (32, 32, 3))
    images = np.random.default_rng(0).random((8, 32, 32, 3), dtype=np.float32)

    def slopes():
        with tf.GradientTape() as tape:
            loss = tf.reduce_sum(model(images, training=True) ** 2)
        return tape.gradient(loss, model.trainable_variables)

    for variable, slope in zip(model.trainable_variables, slopes(), strict=True):
        variable.assign_sub(0.01 * slope)
    assert [v.path for v, slope in zip(model.trainable_variables, slopes(), strict=True) if not np.any(slope)] == []
