"""Gradients on their way to the optimizer: accumulated as one large batch, clipped as one vector."""

import numpy as np
import pytest
import tensorflow as tf

from tests.training.step_test import CLASSES, as_tensors, batch_of, dtype_policy, hardware_of, state_of, weights
from training.health import find_bad_variable, find_trouble
from training.recipe import PLAIN, Recipe
from training.step import make_train_step

TOLERANCES = {"float32": 1e-6, "mixed_float16": 2e-3}


def joined(batches: list[dict], count: int = 3) -> dict:
    """One batch of the rows of several, filled up to those of `count`."""
    batches = batches + [batch_of(8, 0)] * (count - len(batches))
    return as_tensors(*(np.concatenate([batch[name] for batch in batches]) for name in ("image", "label", "mask")))


def groups_of(reals: list[list[int]]) -> list[list[dict]]:
    """Batches of 8 rows, of which so many are examples."""
    return [[batch_of(8, real, seed=10 * number + place) for place, real in enumerate(group)]
            for number, group in enumerate(reals)]  # fmt: skip


@pytest.mark.parametrize("policy", ["float32", "mixed_float16"])
@pytest.mark.parametrize("optimizer", ["sgd", "adam"])
@pytest.mark.parametrize("recipe", [PLAIN, Recipe(clip_norm=0.05)], ids=["plain", "clipped"])
def test_batches_that_are_accumulated_move_the_weights_as_one_of_them_all(policy, optimizer, recipe):
    # The last group is an epoch's: it has fewer batches, and the last of them padding.
    groups = groups_of([[8, 8, 8], [8, 8, 8], [8, 2]])
    settings = {"optimizer": optimizer, "l2": 0.05, "learning_rate": 0.1 if optimizer == "sgd" else 0.01}
    with dtype_policy(policy):
        hardware = hardware_of(policy)
        several, whole = state_of(hardware, accumulate_steps=3, **settings), state_of(hardware, size=24, **settings)
        small = make_train_step(several, hardware, CLASSES, None, False, recipe)
        large = make_train_step(whole, hardware, CLASSES, None, False, recipe)
        begun = weights(several)
        for group in groups:
            for batch in group[:-1]:
                before = weights(several)
                small(batch, False, False)
                assert weights(several).tolist() == before.tolist()
            small(group[-1], False, True)
            large(joined(group))
            moved = np.abs(weights(whole) - begun).max()
            np.testing.assert_allclose(
                weights(several), weights(whole), rtol=0, atol=TOLERANCES[policy] * max(1, moved)
            )
            assert moved > 1e-3
            assert all(not np.asarray(variable).any() for variable in several.gradients)
    assert int(several.optimizer.iterations) == int(whole.optimizer.iterations) == 3
    np.testing.assert_allclose(several.sums, whole.sums, rtol=TOLERANCES[policy])


def norm_of_gradients(state, batch) -> float:
    with tf.GradientTape() as tape:
        losses = tf.nn.sparse_softmax_cross_entropy_with_logits(batch["label"], state.model(batch["image"]))
        loss = tf.reduce_mean(losses)
    return float(tf.linalg.global_norm(tape.gradient(loss, state.model.trainable_variables)))


@pytest.mark.parametrize("policy", ["float32", "mixed_float16"])
def test_longer_gradients_are_scaled_to_the_norm_and_shorter_ones_stay(policy):
    with dtype_policy(policy):
        hardware, batch = hardware_of(policy), batch_of(8, 8)
        moves = {}
        for part in (0.5, 0.999, 1.001, 2.0):
            state = state_of(hardware, learning_rate=0.01, momentum=0.0)
            norm = norm_of_gradients(state, batch)
            before = weights(state)
            make_train_step(state, hardware, CLASSES, None, False, Recipe(clip_norm=part * norm))(batch)
            moves[part] = np.linalg.norm(weights(state) - before) / (0.01 * norm)
    rough = 1e-4 if policy == "float32" else 2e-3
    assert moves == {0.5: pytest.approx(0.5, rel=rough), 0.999: pytest.approx(0.999, rel=rough),
                     1.001: pytest.approx(1, rel=rough), 2.0: pytest.approx(1, rel=rough)}  # fmt: skip


def test_an_overflow_is_left_out_with_its_group_and_clipping_does_not_hide_it():
    with dtype_policy("mixed_float16"):
        hardware = hardware_of("mixed_float16")
        state = state_of(hardware, accumulate_steps=2)
        step = make_train_step(state, hardware, CLASSES, None, False, Recipe(clip_norm=1.0))
        scale, before, bad = float(state.optimizer.dynamic_scale), weights(state), batch_of(8, 8)
        image = bad["image"].numpy()
        image[:, 0, 0, 0] = 1e6  # Inf in float16, and its tanh 1: a finite loss whose gradients overflow
        step(bad | {"image": tf.constant(image)}, False, False)
        # What is under way may be Inf: a save here finds nothing wrong with the run.
        assert find_bad_variable(state.variables, state.health, state.optimizer) is None
        step(batch_of(8, 8), False, True)
        assert float(state.optimizer.dynamic_scale) == scale / 2
        assert weights(state).tolist() == before.tolist()
        step(batch_of(8, 8), False, False)
        step(batch_of(8, 8), False, True)
        assert weights(state).tolist() != before.tolist()
    assert state.health.numpy()[:3].tolist() == [4, 1, 0]


def test_a_step_that_is_no_update_is_none_that_was_left_out():
    hardware = hardware_of()
    state = state_of(hardware, accumulate_steps=100)
    step = make_train_step(state, hardware, CLASSES, None)
    for _ in range(60):
        step(batch_of(8, 8), False, False)
    assert find_trouble(state.health) is None
    step(batch_of(8, 8) | {"image": tf.fill([8, 6, 6, 1], np.nan)}, False, True)
    trouble = find_trouble(state.health)
    assert (trouble.step, trouble.updates) == (61, 0)
