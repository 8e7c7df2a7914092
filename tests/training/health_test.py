"""What a step notes of its numbers: the first trouble stays, updates left out in a row are counted and end the run."""

import numpy as np
import pytest
import tensorflow as tf

from tests.training.step_test import CLASSES, batch_of, dtype_policy, hardware_of, state_of
from training.checkpoint import restore, to_arrays
from training.health import MAX_SKIPPED_UPDATES, find_bad_variable, find_trouble, make_notes, note_step
from training.step import make_train_step

PLAIN = hardware_of()
HALF = hardware_of("mixed_float16")


def stepper(hardware=PLAIN, **settings):
    """(state, step): a small net and its traced step, for batches of 8."""
    state = state_of(hardware, **settings)
    return state, make_train_step(state, hardware, CLASSES, None)


def spoiled(*rows: int) -> dict:
    """A batch of 8 with 6 examples and padding, with a NaN for one pixel of some rows."""
    batch = batch_of(8, 6)
    image = batch["image"].numpy().copy()
    image[list(rows), 0, 0, 0] = np.nan
    return batch | {"image": tf.constant(image)}


def overflowing() -> dict:
    """Finite losses with gradients that overflow at every scale: one pixel is Inf in float16, tanh of it 1 or -1."""
    batch = batch_of(8, 8)
    image = batch["image"].numpy().copy()
    image[:, 0, 0, 0] = 1e6
    return batch | {"image": tf.constant(image)}


def test_nothing_is_noted_while_all_is_well():
    state, step = stepper()
    for seed in range(3):
        step(batch_of(8, 5, seed))
    assert find_trouble(state.health) is None
    assert find_bad_variable(state.variables, state.health, state.optimizer) is None
    assert state.health.numpy().tolist() == [3, 3, 0, *[0] * (4 + 8)]


@pytest.mark.parametrize("rows", [[4], [0, 3], [5], [1, 2, 4, 5]])
def test_the_first_step_with_a_bad_loss_and_its_rows_stay_noted(rows):
    state, step = stepper()
    step(batch_of(8, 6, 1))
    step(spoiled(*rows))
    # The weights are NaN from here on: every row of the steps that follow has a NaN for a loss.
    step(batch_of(8, 8, 2))
    trouble = find_trouble(state.health)
    assert trouble.what == "the training loss became nan"
    assert "lower --learning_rate" in trouble.fix
    assert (trouble.step, trouble.updates, trouble.loss_scale) == (2, 1, None)
    assert trouble.bad_rows.tolist() == rows


@pytest.mark.parametrize("loss", [np.nan, np.inf, -np.inf])
def test_no_kind_of_bad_loss_passes_and_later_ones_change_nothing(loss):
    notes, rows = make_notes(2), tf.constant([0.0, 1.0], tf.float64)
    for value in (1.0, loss, np.nan, 1.0):
        note_step(notes, tf.constant(value, tf.float64), rows, None, None)
    trouble = find_trouble(notes)
    assert trouble.what == f"the training loss became {loss}"
    assert (trouble.step, trouble.updates, trouble.bad_rows.tolist()) == (2, 1, [1])


def test_a_bad_variable_is_found_before_a_loss_shows_it():
    state, step = stepper()
    step(batch_of(8, 8))
    kernel = state.model.trainable_variables[0]
    kernel.assign(np.where(np.arange(kernel.shape[1]) == 2, np.inf, np.asarray(kernel)))
    assert find_trouble(state.health) is None
    trouble = find_bad_variable(state.variables, state.health, state.optimizer)
    assert trouble.what == f"the update left a NaN or an Inf in {kernel.path}"
    assert (trouble.step, trouble.updates, trouble.loss_scale) == (1, 0, None)


def test_a_bad_loss_under_loss_scaling_names_the_scale_it_was_taken_with():
    with dtype_policy("mixed_float16"):
        state, step = stepper(HALF)
        step(overflowing())
        step(spoiled(2))
        step(batch_of(8, 8))
    trouble = find_trouble(state.health)
    assert trouble.what == "the training loss became nan"
    assert (trouble.step, trouble.updates, trouble.loss_scale) == (2, 0, 2.0**14)
    assert trouble.bad_rows.tolist() == [2]
    # The update was left out, so the weights are as good as they were.
    assert find_bad_variable(state.model.variables, state.health, state.optimizer) is None


def test_a_scale_that_is_never_found_ends_the_run_even_over_a_resume():
    with dtype_policy("mixed_float16"):
        state, step = stepper(HALF)
        for _ in range(MAX_SKIPPED_UPDATES - 20):
            step(overflowing())
        assert find_trouble(state.health) is None
        # One good update starts the count again.
        step(batch_of(8, 8))
        for _ in range(30):
            step(overflowing())
        resumed, step = stepper(HALF)
        restore(resumed.parts, {part: to_arrays(variables) for part, variables in state.parts.items()})
        for _ in range(MAX_SKIPPED_UPDATES - 31):
            step(overflowing())
        assert find_trouble(resumed.health) is None
        step(overflowing())
        trouble = find_trouble(resumed.health)
        # A scale that is found too late changes nothing, however late the loop looks.
        step(batch_of(8, 8))
        assert find_trouble(resumed.health).step == trouble.step
    assert MAX_SKIPPED_UPDATES == 50
    assert trouble.what == "no loss scale was found: 50 updates in a row had gradients that overflow"
    assert "--precision=mixed_bfloat16 or float32" in trouble.fix
    assert (trouble.step, trouble.updates, trouble.bad_rows.tolist()) == (81, 1, [])
    assert trouble.loss_scale == 2.0 ** (15 - 79)
