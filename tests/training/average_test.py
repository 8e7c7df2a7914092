"""Averaged weights: numpy's recursion over what the steps left, BatchNorm's statistics with them."""

import numpy as np
import pytest

from tests.training import step_test
from tests.training.step_test import CLASSES, batch_of, dtype_policy, hardware_of, normalized_model, state_of
from training.average import kept_part
from training.checkpoint import restore, to_arrays
from training.recipe import Recipe
from training.step import make_train_step

MOMENTUM = 0.4


def averages(state) -> list[np.ndarray]:
    return [np.asarray(variable).astype(np.float64) for variable in state.average.variables]


def of_model(state) -> list[np.ndarray]:
    return [np.asarray(variable).astype(np.float64) for variable in state.model.variables]


def make_step(state, hardware, momentum=MOMENTUM):
    return make_train_step(state, hardware, CLASSES, None, False, Recipe(ema_momentum=momentum))


def test_little_is_kept_at_first_and_the_momentum_later():
    assert [float(kept_part(0.99, n)) for n in (1, 2, 100, 10_000)] == pytest.approx([2 / 11, 3 / 12, 101 / 110, 0.99])


@pytest.mark.parametrize("policy", ["float32", "mixed_float16"])
def test_the_average_is_numpys_with_the_statistics_of_batchnorm(policy, monkeypatch):
    monkeypatch.setattr(step_test, "tiny_model", normalized_model)
    with dtype_policy(policy):
        hardware = hardware_of(policy)
        state = state_of(hardware, ema_momentum=MOMENTUM)
        step, expected = make_step(state, hardware), of_model(state)
        assert [array.tolist() for array in averages(state)] == [array.tolist() for array in expected]
        for number in range(1, 8):
            step(batch_of(8, 8, number))
            kept = min(MOMENTUM, (1 + number) / (10 + number))
            expected = [kept * old + (1 - kept) * new for old, new in zip(expected, of_model(state), strict=True)]
    paths = [variable.path for variable in state.average.variables]
    assert any("moving_variance" in path for path in paths)
    for found, wanted, now, path in zip(averages(state), expected, of_model(state), paths, strict=True):
        np.testing.assert_allclose(found, wanted, atol=1e-6, err_msg=path)
        if not path.startswith("conv2d"):  # whose bias BatchNorm takes away again: it hardly moves
            assert np.abs(found - now).max() > 1e-4, path


def test_dropouts_state_is_no_number_to_average():
    hardware = hardware_of()
    state = state_of(hardware, ema_momentum=MOMENTUM, dropout=0.3)
    before = [np.asarray(one) for one in state.average.variables if "mask" in one.path]
    make_step(state, hardware)(batch_of(8, 8))
    after = [np.asarray(one) for one in state.average.variables if "mask" in one.path]
    assert [one.tolist() for one in before] == [one.tolist() for one in after]
    assert len(before) == 1


def test_only_an_update_moves_the_average():
    hardware = hardware_of()
    state = state_of(hardware, ema_momentum=MOMENTUM, accumulate_steps=2)
    step, before = make_step(state, hardware), averages(state)
    step(batch_of(8, 8), False, False)
    assert [one.tolist() for one in averages(state)] == [one.tolist() for one in before]
    step(batch_of(8, 8), False, True)
    assert [one.tolist() for one in averages(state)] != [one.tolist() for one in before]


def test_the_average_is_a_part_of_the_state_and_what_is_evaluated():
    hardware = hardware_of()
    plain, state = state_of(hardware), state_of(hardware, ema_momentum=MOMENTUM)
    assert "average" not in plain.parts
    assert (plain.evaluated, state.evaluated) == (plain.model, state.average)
    step = make_step(state, hardware)
    step(batch_of(8, 8))
    other = state_of(hardware, ema_momentum=MOMENTUM)
    restore(other.parts, {part: to_arrays(variables) for part, variables in state.parts.items()})
    for one in (step, make_step(other, hardware)):
        one(batch_of(8, 8, 1))
    assert [one.tolist() for one in averages(other)] == [one.tolist() for one in averages(state)]
