"""The trend test against scipy's tau, against all orders of few values, and on made series."""

import itertools
import math

import numpy as np
import pytest
from scipy.stats import kendalltau, norm

from evaluation.trend import FEWEST, trend


@pytest.mark.parametrize("ties", [False, True])
def test_it_is_kendalls_tau_but_for_the_correction_for_continuity(ties):
    values = np.random.default_rng(0).normal(size=40) + 0.02 * np.arange(40)
    if ties:
        values = values.round(0)
    found = kendalltau(np.arange(40), values, method="asymptotic")
    plain = norm.isf(found.pvalue / 2)
    rises = sum(math.copysign(1, b - a) if a != b else 0 for a, b in itertools.combinations(values, 2))
    assert trend(values) == pytest.approx(plain * (rises - 1) / rises)


@pytest.mark.parametrize("count", [5, 6, 7])
def test_of_few_values_it_tells_what_counting_all_orders_tells(count):
    """The exact probability of as many rises, or as many falls, by chance."""
    orders = list(itertools.permutations(range(count)))
    rises = np.array([sum(b > a for a, b in itertools.combinations(order, 2)) for order in orders])
    distance = np.abs(2 * rises - count * (count - 1) / 2)
    for order, one in list(zip(orders, distance, strict=True))[::37]:
        assert (abs(trend(order)) > 1.96) == ((distance >= one).mean() <= 0.05)


def test_up_and_down_are_told_apart_and_noise_from_both():
    falling = [1.0 / epoch for epoch in range(1, 12)]
    assert trend(falling) < -1.96
    assert trend(falling[::-1]) > 1.96
    assert trend([0.5] * 9) == 0.0
    noise = np.random.default_rng(0).normal(size=(500, 20))
    assert 0.02 < np.mean([abs(trend(values)) > 1.96 for values in noise]) < 0.08


@pytest.mark.parametrize("values", [[1.0] * (FEWEST - 1), [1.0, 2.0, math.nan, 3.0, 4.0, 5.0]])
def test_too_few_and_no_numbers_are_refused(values):
    with pytest.raises(ValueError, match="give at least 5, all of them finite"):
        trend(values)
