import numpy as np

from models.options import ModelOptions
from models.zoo import build_model


def test_parameters_are_those_counted_by_hand():
    # Convolutions without bias: stem 3 * 32; a block two of 3x3; a 1x1 shortcut where the width changes.
    convolutions = 9 * (3 * 32 + 4 * 32 * 32 + 32 * 64 + 3 * 64 * 64 + 64 * 128 + 3 * 128 * 128)
    shortcuts = 32 * 64 + 64 * 128
    # Four numbers a channel: two norms a block, at the block's input and at its inner width, and the last one.
    norms = 4 * (4 * 32 + (32 + 3 * 64) + (64 + 3 * 128) + 128)
    model = build_model(ModelOptions("residual_small"), 1, 43, (32, 32, 3))
    assert model.count_params() == convolutions + shortcuts + norms + 129 * 43


def test_large_pictures_are_halved_at_once_and_cost_no_parameters():
    small, large = (build_model(ModelOptions("residual_small"), 1, 10, (side, side, 3)) for side in (32, 64))
    assert small.get_layer("last_relu").output.shape == large.get_layer("last_relu").output.shape
    assert small.count_params() == large.count_params()


def test_filters_are_the_widths_of_the_stages():
    model = build_model(ModelOptions("residual_small", filters=(8, 16)), 1, 3, (32, 32, 1))
    assert model.get_layer("last_relu").output.shape == (None, 16, 16, 16)


def test_training_moves_the_statistics_and_every_layer_feels_the_picture():
    model = build_model(ModelOptions("residual_small", filters=(8, 16)), 1, 3, (32, 32, 3))
    before = [np.asarray(v) for v in model.non_trainable_variables]
    images = np.random.default_rng(0).random((4, 32, 32, 3), dtype=np.float32)
    model(images, training=True)
    assert all(np.any(b != np.asarray(v)) for b, v in zip(before, model.non_trainable_variables, strict=True))
    logits = model(images, training=False).numpy()
    assert len(np.unique(logits, axis=0)) == 4
