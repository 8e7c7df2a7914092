"""The range test: rates that grow, a smoothed loss, where it stops, what it suggests."""

import math

import numpy as np
import pytest

from base.signals import Stopped
from tests.helpers.watches import Recording
from tests.training.step_test import CLASSES, as_tensors, hardware_of, state_of, weights
from training.rate_range import UPDATES, range_losses, rates, smoothed, suggested_rate
from training.step import make_train_step


def separable(size: int, seed: int) -> dict:
    """Examples that a small network learns in a few steps: each class has its own bright row; an eighth is mislabelled,
    which a rate that is too high cannot bear."""
    generator = np.random.default_rng(seed)
    label = generator.integers(0, CLASSES, size).astype(np.int32)
    image = generator.uniform(0, 0.2, (size, 6, 6, 1)).astype(np.float32)
    image[np.arange(size), label] += 0.8
    label[:: size // 2] = (label[:: size // 2] + 1) % CLASSES
    return as_tensors(image, label, np.ones(size, bool))


def batches():
    seed = 0
    while True:
        yield separable(16, seed)
        seed += 1


def test_each_rate_is_the_same_factor_of_the_one_before():
    found = rates()
    assert (found[0], found[-1], len(found)) == (1e-7, pytest.approx(10), UPDATES)
    np.testing.assert_allclose(np.diff(np.log(found)), math.log(1e8) / (UPDATES - 1))


def test_the_smoothed_loss_of_a_constant_is_that_constant_and_follows_slowly():
    assert smoothed([3.0] * 5) == pytest.approx([3.0] * 5)
    found = smoothed([1.0] * 50 + [2.0] * 50)
    assert found[49] == pytest.approx(1.0)
    assert 1.0 < found[50] < 1.05
    expected = sum(0.02 * 0.98 ** (99 - n) * (1 + (n >= 50)) for n in range(100)) / (1 - 0.98**100)
    assert found[99] == pytest.approx(expected)


def test_the_suggestion_is_a_tenth_of_the_rate_with_the_lowest_smoothed_loss():
    losses = [2.0 + math.cos(math.pi * n / 60) for n in range(100)]
    points = list(zip(rates(), losses, strict=True))
    lowest = rates()[int(np.argmin(smoothed(losses)))]
    assert suggested_rate(points) == pytest.approx(0.1 * lowest)
    assert suggested_rate(list(zip(rates(), sorted(losses), strict=True))) is None
    assert suggested_rate([]) is None


@pytest.mark.parametrize("every", [1, 3])
def test_a_network_learns_in_the_middle_and_fails_in_the_end(every):
    hardware = hardware_of()
    state = state_of(hardware, optimizer="sgd", size=16, accumulate_steps=every)
    step = make_train_step(state, hardware, CLASSES, None)
    points = range_losses(state, batches(), step, every, Recording())
    found = smoothed([loss for _, loss in points])
    assert [rate for rate, _ in points] == rates()[: len(points)]
    assert min(found) < 0.9 * found[0]
    assert max(loss for _, loss in points[-5:]) > 1.5 * min(found)
    assert found[-1] > min(found)
    assert int(state.optimizer.iterations) == len(points)
    assert 1e-4 < suggested_rate(points) < 1


def test_the_loss_before_the_first_update_is_that_of_the_initial_weights():
    hardware = hardware_of()
    state = state_of(hardware, size=16)
    seen, step = [], make_train_step(state, hardware, CLASSES, None)

    def noting(batch, is_full, is_update):
        seen.append((float(state.optimizer.learning_rate), weights(state)))
        step(batch, is_full, is_update)

    watch = Recording()
    points = range_losses(state, batches(), noting, 1, watch)
    np.testing.assert_allclose([rate for rate, _ in seen[: len(points)]], [rate for rate, _ in points], rtol=1e-6)
    assert np.abs(seen[1][1] - seen[0][1]).max() < 1e-6
    assert watch.steps[0][:2] == (0, UPDATES)


def test_it_ends_where_the_loss_explodes_or_is_no_number():
    hardware = hardware_of()
    state = state_of(hardware, size=16)
    losses = iter([1.0] * 10 + [400.0] * 90)

    def step(*_):
        state.sums.assign([next(losses), 0.0, 1.0])

    assert len(range_losses(state, iter(range(200)), step, 1, Recording())) == 11
    losses = iter([1.0] * 10 + [math.nan] * 90)
    assert len(range_losses(state, iter(range(200)), step, 1, Recording())) == 10


def test_it_stops_when_it_is_asked_to():
    hardware = hardware_of()
    state, watch = state_of(hardware, size=16), Recording()
    watch._stop.signal_name = "SIGTERM"
    with pytest.raises(Stopped, match=r"SIGTERM: stopped in the range test"):
        range_losses(state, batches(), make_train_step(state, hardware, CLASSES, None), 1, watch)
