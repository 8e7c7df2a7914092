import keras
import numpy as np
import pytest

from models.heads import infer, mean_loss, per_example_loss, probabilities


def _logits(columns: int) -> np.ndarray:
    logits = np.random.default_rng(7).normal(scale=5, size=(64, columns))
    logits[:4] = [[80], [-80], [0], [1e-6]]
    logits[4] = np.linspace(-80, 80, columns)
    logits[5] = np.linspace(80, -80, columns)
    return logits.astype(np.float32)


def test_loss_of_softmax_logits_is_that_of_numpy():
    logits, labels = _logits(5), np.arange(1, 65) % 5
    wide = logits.astype(np.float64)
    highest = wide.max(axis=1)
    expected = highest + np.log(np.exp(wide - highest[:, None]).sum(axis=1)) - wide[np.arange(64), labels]
    loss = per_example_loss(labels, logits, 5).numpy()
    assert loss.dtype == np.float32
    np.testing.assert_allclose(loss, expected, rtol=1e-5, atol=1e-6)
    assert loss.max() > 100


def test_loss_of_a_single_logit_is_that_of_numpy():
    logits, labels = _logits(1), np.arange(64) % 2
    signed = np.where(labels == 1, logits[:, 0], -logits[:, 0]).astype(np.float64)
    loss = per_example_loss(labels, logits, 2).numpy()
    assert loss.shape == (64,)
    np.testing.assert_allclose(loss, np.logaddexp(0, -signed), rtol=1e-5, atol=1e-6)
    assert loss.max() > 79


def test_a_single_logit_is_worth_two_logits():
    logits, labels = _logits(1), np.arange(64) % 2
    pair = np.concatenate([np.zeros_like(logits), logits], axis=1)
    np.testing.assert_allclose(
        per_example_loss(labels, logits, 2), per_example_loss(labels, pair, 2), rtol=1e-6, atol=1e-6
    )
    np.testing.assert_allclose(probabilities(logits), probabilities(pair), rtol=1e-5, atol=1e-30)


@pytest.mark.parametrize("columns", [1, 2, 5])
def test_the_mean_loss_is_that_of_all_labels(columns):
    logits, classes = _logits(columns), max(columns, 2)
    losses = [per_example_loss(np.full(64, label), logits, classes).numpy() for label in range(classes)]
    np.testing.assert_allclose(mean_loss(logits, classes), np.mean(losses, axis=0), rtol=1e-5, atol=1e-6)
    half = logits.astype(np.float16)
    assert mean_loss(half, classes).numpy().tolist() == mean_loss(half.astype(np.float32), classes).numpy().tolist()


def test_loss_in_half_precision_is_computed_in_float32():
    logits = _logits(5).astype(np.float16)
    loss = per_example_loss(np.zeros(64, np.int32), logits, 5).numpy()
    np.testing.assert_array_equal(loss, per_example_loss(np.zeros(64), logits.astype(np.float32), 5).numpy())
    assert loss.dtype == np.float32


@pytest.mark.parametrize("columns", [1, 2, 5])
def test_probabilities_sum_to_one(columns):
    rows = probabilities(_logits(columns)).numpy()
    assert rows.shape == (64, max(columns, 2))
    assert rows.dtype == np.float32
    np.testing.assert_allclose(rows.sum(axis=1), 1, atol=1e-6)
    assert rows.min() >= 0


def test_a_single_logit_keeps_its_precision_in_both_tails():
    rows = probabilities(np.float32([[80], [-80]])).numpy()
    np.testing.assert_allclose(rows.min(axis=1), np.exp(-80.0), rtol=1e-5)


def test_the_single_logit_is_that_of_class_one():
    np.testing.assert_allclose(probabilities(np.float32([[2.0]])), [[0.1192029, 0.8807971]], rtol=1e-5)


def test_logits_of_another_width_are_refused():
    with pytest.raises(ValueError, match=r"logits have shape \(64, 5\): the last axis must be 3"):
        per_example_loss(np.zeros(64, np.int32), _logits(5), 3)
    with pytest.raises(ValueError, match="the last axis must be 3"):
        per_example_loss(np.zeros(64, np.int32), _logits(1), 3)


def test_with_flips_a_picture_and_its_mirror_are_told_alike_and_features_pass_as_they_are():
    image = keras.Input((8, 6, 3))
    model = keras.Model(image, keras.layers.Dense(3)(keras.layers.Flatten()(image)))
    pictures = np.random.default_rng(1).normal(size=(4, 8, 6, 3)).astype(np.float32)
    mirrored, one, other = pictures[:, :, ::-1], *(infer(model, p, True) for p in (pictures, pictures[:, :, ::-1]))
    np.testing.assert_allclose(one, other, rtol=1e-5, atol=1e-5)
    np.testing.assert_allclose(one, (model(pictures) + model(mirrored)).numpy() / 2, rtol=1e-5, atol=1e-6)
    assert np.abs(infer(model, pictures, False) - one).max() > 0.1
    features = keras.Input((5,))
    head = keras.Model(features, keras.layers.Dense(2)(features))
    rows = pictures[:, 0, :5, 0]
    np.testing.assert_array_equal(infer(head, rows, True), infer(head, rows, False))
