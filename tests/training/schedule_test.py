"""The learning rate at each step: constant or a cosine, warmed up or not."""

import math

import numpy as np
import pytest

from training.optimizer import learning_rate_at
from training.options import TrainingOptions

STEPS = 20  # an epoch


def options_of(**given) -> TrainingOptions:
    return TrainingOptions(**({"epochs": 5, "learning_rate": 0.5} | given))


def rates(options: TrainingOptions) -> list[float]:
    return [learning_rate_at(options, STEPS, step) for step in range(options.epochs * STEPS)]


def test_a_constant_rate_is_constant():
    assert set(rates(options_of())) == {0.5}


def test_cosine_falls_from_the_rate_to_zero_over_the_run():
    expected = [0.25 * (1 + math.cos(math.pi * step / 100)) for step in range(100)]
    np.testing.assert_allclose(rates(options_of(schedule="cosine")), expected, atol=1e-6)
    assert learning_rate_at(options_of(schedule="cosine"), STEPS, 100) == pytest.approx(0, abs=1e-7)


def test_cosine_warms_up_and_then_falls():
    found = rates(options_of(schedule="cosine", warmup_epochs=1.5))
    np.testing.assert_allclose(found[:30], [0.5 * (1 + step * 29 / 30) / 30 for step in range(30)], atol=1e-6)
    expected = [0.25 * (1 + math.cos(math.pi * step / 70)) for step in range(70)]
    np.testing.assert_allclose(found[30:], expected, atol=1e-6)


@pytest.mark.parametrize("warmup_epochs", [0.05, 0.15, 0.5, 2.0])
def test_a_constant_rate_warms_up_in_stairs(warmup_epochs):
    warmup_steps = math.ceil(warmup_epochs * STEPS)
    found = rates(options_of(warmup_epochs=warmup_epochs))
    assert found == sorted(found)
    assert all(rate == 0.5 for rate in found[warmup_steps + 1 :])
    assert 0 < found[0] <= 0.5
    if warmup_steps > 5:
        assert found[0] < 0.1
        ramp = [0.5 * min(1, (step + 1) / warmup_steps) for step in range(len(found))]
        # A stair is a tenth of the rate high.
        np.testing.assert_allclose(found, ramp, atol=0.051 + 0.5 / warmup_steps)
