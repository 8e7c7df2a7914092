"""The step: weighted sums against numpy, padding that weighs nothing, precision, penalties."""

import contextlib

import keras
import numpy as np
import pytest
import tensorflow as tf

from models.layers import BatchNormalization, Dropout
from training.device import Hardware
from training.optimizer import build_optimizer
from training.options import TrainingOptions
from training.step import example_losses, make_state, make_train_step

SIDE, CLASSES = 6, 3


def hardware_of(policy="float32", strategy=None, replicas=1) -> Hardware:
    return Hardware("CPU", strategy, replicas, policy, 2, False, ())


@contextlib.contextmanager
def dtype_policy(name: str):
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy(name)
    try:
        yield
    finally:
        keras.config.set_dtype_policy(before)


def tiny_model(classes=CLASSES, l2=0.0, dropout=0.0) -> keras.Model:
    """A dense net without BatchNorm: an example's gradient does not depend on its neighbours."""
    penalty = keras.regularizers.L2(l2) if l2 else None
    keras.utils.set_random_seed(7)
    image = keras.Input((SIDE, SIDE, 1), dtype="float32")
    hidden = keras.layers.Dense(5, activation="tanh", kernel_regularizer=penalty)(keras.layers.Flatten()(image))
    hidden = Dropout(dropout, 11, name="dropout")(hidden)
    return keras.Model(image, keras.layers.Dense(classes, dtype="float32")(hidden))


def normalized_model(classes=CLASSES, *_) -> keras.Model:
    """A small net with BatchNorm."""
    keras.utils.set_random_seed(7)
    image = keras.Input((SIDE, SIDE, 1), dtype="float32")
    features = BatchNormalization(momentum=0.5, name="norm")(keras.layers.Conv2D(4, 3)(image))
    features = keras.layers.Flatten()(keras.layers.ReLU()(features))
    return keras.Model(image, keras.layers.Dense(classes, dtype="float32")(features))


def batch_of(size: int, real: int, seed=0, classes=CLASSES) -> dict:
    """`size` rows of which the first `real` are examples; padding has loud pixels, to be seen if it leaks."""
    generator = np.random.default_rng(seed)
    image = generator.uniform(0, 1, (size, SIDE, SIDE, 1)).astype(np.float32)
    image[real:] = 50.0
    label = generator.integers(0, classes, size).astype(np.int32)
    return as_tensors(image, label, np.arange(size) < real)


def as_tensors(image, label, mask) -> dict:
    return {"image": tf.constant(image), "label": tf.constant(label), "mask": tf.constant(mask),
            "global_examples": tf.constant(float(np.sum(mask)), tf.float32)}  # fmt: skip


def state_of(hardware, learning_rate=0.1, classes=CLASSES, l2=0.0, optimizer="sgd", dropout=0.0, size=8, **more):
    options = TrainingOptions(learning_rate=learning_rate, optimizer=optimizer, **more)
    with hardware.scope():
        model = tiny_model(classes, l2, dropout)
        average = tiny_model(classes, l2, dropout) if options.ema_momentum else None
    return make_state(hardware, model, lambda _: build_optimizer(options, 10), size, options.accumulate_steps, average)


def weights(state) -> np.ndarray:
    return np.concatenate([np.asarray(v).ravel() for v in state.model.trainable_variables]).astype(np.float64)


def expected_sums(model: keras.Model, batch: dict) -> list[float]:
    """Loss, correct and examples by numpy in float64, over the real examples alone."""
    logits = model(batch["image"]).numpy().astype(np.float64)
    label, mask = batch["label"].numpy(), batch["mask"].numpy()
    if logits.shape[-1] == 1:
        logits = np.concatenate([np.zeros_like(logits), logits], axis=1)
    shifted = logits - logits.max(axis=1, keepdims=True)
    losses = np.log(np.exp(shifted).sum(axis=1)) - shifted[np.arange(len(label)), label]
    return [losses[mask].sum(), (logits.argmax(axis=1) == label)[mask].sum(), mask.sum()]


@pytest.mark.parametrize("classes", [2, 3])
@pytest.mark.parametrize("real", [8, 5, 1])
def test_the_sums_are_numpys_with_padding_left_out(real, classes):
    hardware = hardware_of()
    state = state_of(hardware, classes=classes)
    batches = [batch_of(8, real, seed=seed, classes=classes) for seed in range(3)]
    train_step = make_train_step(state, hardware, classes, None)
    expected = np.zeros(3)
    for batch in batches:
        expected += expected_sums(state.model, batch)
        train_step(batch)
    np.testing.assert_allclose(state.sums.numpy(), expected, rtol=1e-6)
    assert state.sums.numpy()[2] == 3 * real


def test_one_sigmoid_unit_counts_like_two_logits():
    hardware = hardware_of()
    state = make_state(hardware, tiny_model(1), lambda _: build_optimizer(TrainingOptions(optimizer="sgd"), 10), 8)
    batch = batch_of(8, 6, classes=2)
    expected = expected_sums(state.model, batch)
    make_train_step(state, hardware, 2, None)(batch)
    np.testing.assert_allclose(state.sums.numpy(), expected, rtol=1e-6)


@pytest.mark.parametrize("real", [5, 1])
def test_a_padded_batch_moves_the_weights_as_its_examples_alone(real):
    hardware = hardware_of()
    padded, short = state_of(hardware), state_of(hardware, size=real)
    batch = batch_of(8, real)
    alone = as_tensors(batch["image"][:real].numpy(), batch["label"][:real].numpy(), np.ones(real, bool))
    before = weights(padded)
    make_train_step(padded, hardware, CLASSES, None)(batch)
    make_train_step(short, hardware, CLASSES, None)(alone)
    moved = np.abs(weights(short) - before).max()
    assert moved > 1e-3
    # float32 sums in another order: 1e-6 of the largest change.
    np.testing.assert_allclose(weights(padded), weights(short), rtol=0, atol=1e-6 * max(1.0, moved))


def test_the_loss_is_the_mean_over_real_examples():
    # SGD's first step with Nesterov momentum moves the weights by (1 + momentum) x rate x gradient.
    hardware = hardware_of()
    state = state_of(hardware, learning_rate=0.01)
    batch = batch_of(8, 5)
    real = batch["image"][:5], batch["label"][:5]
    with tf.GradientTape() as tape:
        losses = tf.nn.sparse_softmax_cross_entropy_with_logits(real[1], state.model(real[0]))
        loss = tf.reduce_mean(losses)
    gradients = tape.gradient(loss, state.model.trainable_variables)
    expected = weights(state) - 1.9 * 0.01 * np.concatenate([g.numpy().ravel() for g in gradients])
    make_train_step(state, hardware, CLASSES, None)(batch)
    np.testing.assert_allclose(weights(state), expected, atol=1e-7)


@pytest.mark.parametrize("units", [1, 2, 4])
@pytest.mark.parametrize("mixed", [False, True])
def test_an_examples_loss_is_shared_by_two_labels_where_it_has_two(mixed, units):
    generator = np.random.default_rng(3)
    classes = max(2, units)
    logits = generator.normal(0, 3, (8, units)).astype(np.float32)
    first, second = generator.integers(0, classes, (2, 8)).astype(np.int32)
    share = np.array([0.0, 1.0, 0.5, 0.25, 0.9, 0.1, 0.3, 0.7], np.float32)
    mask = np.array([True] * 6 + [False, True])
    both = np.concatenate([np.zeros_like(logits), logits], axis=1) if units == 1 else logits
    both = both.astype(np.float64)
    log_probabilities = both - np.log(np.exp(both).sum(axis=1, keepdims=True))
    expected = -log_probabilities[np.arange(8), first]
    batch = {"label": tf.constant(first), "mask": tf.constant(mask)}
    if mixed:
        expected = (1 - share) * expected - share * log_probabilities[np.arange(8), second]
        batch |= {"second_label": tf.constant(second), "second_weight": tf.constant(share)}
    losses = example_losses(batch, tf.constant(logits), classes)
    assert losses.dtype == tf.float32
    np.testing.assert_allclose(losses, expected * mask, rtol=1e-5, atol=1e-6)


def test_the_step_learns_from_both_labels():
    hardware = hardware_of()
    state = state_of(hardware, learning_rate=0.01)
    batch = batch_of(8, 5)
    label = batch["label"].numpy()
    second, share = (label + 1) % CLASSES, np.linspace(0, 1, 8).astype(np.float32)
    one_hot = np.eye(CLASSES, dtype=np.float32)
    wanted = (1 - share)[:, None] * one_hot[label] + share[:, None] * one_hot[second]
    with tf.GradientTape() as tape:
        losses = tf.nn.softmax_cross_entropy_with_logits(wanted[:5], state.model(batch["image"][:5]))
        loss = tf.reduce_mean(losses)
    gradients = tape.gradient(loss, state.model.trainable_variables)
    expected = weights(state) - 1.9 * 0.01 * np.concatenate([g.numpy().ravel() for g in gradients])
    mixed = batch | {"second_label": tf.constant(second), "second_weight": tf.constant(share)}
    make_train_step(state, hardware, CLASSES, None)(mixed)
    np.testing.assert_allclose(weights(state), expected, atol=1e-7)
    np.testing.assert_allclose(state.sums.numpy()[0], tf.reduce_sum(losses), rtol=1e-6)


def test_the_penalty_joins_the_gradient_and_not_the_shown_loss():
    hardware = hardware_of()
    plain, penalised = state_of(hardware, l2=0.0), state_of(hardware, l2=0.1)
    batch = batch_of(8, 8)
    kernel = np.asarray(penalised.model.trainable_variables[0]).astype(np.float64)
    for state in (plain, penalised):
        make_train_step(state, hardware, CLASSES, None)(batch)
    assert plain.sums.numpy().tolist() == penalised.sums.numpy().tolist()
    difference = np.asarray(penalised.model.trainable_variables[0]) - np.asarray(plain.model.trainable_variables[0])
    np.testing.assert_allclose(difference, -1.9 * 0.1 * 2 * 0.1 * kernel, atol=1e-6)


def test_finish_is_applied_inside_the_step():
    hardware = hardware_of()
    state = state_of(hardware, size=4)
    batch = batch_of(4, 4)
    expected = expected_sums(state.model, batch | {"image": 1.0 - batch["image"]})
    make_train_step(state, hardware, CLASSES, lambda b: b | {"image": 1.0 - b["image"]})(batch)
    np.testing.assert_allclose(state.sums.numpy(), expected, rtol=1e-6)


def test_xla_compiles_the_step_where_it_is_asked_to_and_the_sums_stay():
    hardware = hardware_of()
    plain, compiled = state_of(hardware, optimizer="adam"), state_of(hardware, optimizer="adam")
    steps = [make_train_step(plain, hardware, CLASSES, None)]
    steps.append(make_train_step(compiled, hardware, CLASSES, None, jit_compile=True))
    for number in range(3):
        for train_step in steps:
            train_step(batch_of(8, 5, seed=number))
    np.testing.assert_allclose(compiled.sums.numpy(), plain.sums.numpy(), rtol=1e-4)
    np.testing.assert_allclose(weights(compiled), weights(plain), atol=1e-3)
    assert compiled.health.numpy().tolist() == plain.health.numpy().tolist() == [3, 3, *[0] * 13]
    assert steps[1].__wrapped__.experimental_get_compiler_ir(batch_of(8, 5), True, True)()
    with pytest.raises(ValueError, match="jit_compile"):
        steps[0].__wrapped__.experimental_get_compiler_ir(batch_of(8, 5), True, True)


def test_an_overflow_halves_the_loss_scale_and_moves_nothing():
    with dtype_policy("mixed_float16"):
        hardware = hardware_of("mixed_float16")
        state = state_of(hardware, size=4)
        train_step = make_train_step(state, hardware, CLASSES, None)
        train_step(batch_of(4, 4))
        scale, before = float(state.optimizer.dynamic_scale), weights(state)
        bad = batch_of(4, 4)
        # Within float32, beyond float16: the first layer computes Inf.
        train_step(bad | {"image": bad["image"] * 1e6})
        assert float(state.optimizer.dynamic_scale) == scale / 2
        assert weights(state).tolist() == before.tolist()
        train_step(batch_of(4, 4))
        assert weights(state).tolist() != before.tolist()


def test_state_variables_hold_everything_that_training_changes():
    with dtype_policy("mixed_float16"):
        hardware = hardware_of("mixed_float16")
        state = state_of(hardware, optimizer="adam", size=4)
        before = [np.asarray(variable).copy() for variable in state.variables]
        make_train_step(state, hardware, CLASSES, None)(batch_of(4, 4))
        names = [getattr(variable, "path", variable.name) for variable in state.variables]
        moved = [name for name, old, new in zip(names, before, state.variables, strict=True)
                 if not np.array_equal(old, np.asarray(new))]  # fmt: skip
    assert any("dynamic_scale" in name for name in names)
    assert any("step_counter" in name for name in names)
    assert sum("momentum" in name for name in moved) == 4
    assert any("epoch_sums" in name for name in moved)
