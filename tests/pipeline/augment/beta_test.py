"""Numbers of a Beta distribution: those of its quantile function, from keyed uniform ones."""

import numpy as np
import pytest
import scipy.stats

from pipeline.augment.beta import beta_quantile
from pipeline.augment.draws import draw

ALPHAS = [0.01, 0.1, 0.2, 0.4, 1.0, 2.0, 10.0, 100.0]
UNIFORM = (np.arange(4000) + 0.5) / 4000


@pytest.mark.parametrize("alpha", ALPHAS)
def test_they_are_the_quantiles_of_scipy(alpha):
    expected = scipy.stats.beta(alpha, alpha).ppf(UNIFORM)
    assert np.abs(beta_quantile(UNIFORM, alpha) - expected).max() < 1e-5 + 2e-6 / alpha
    # The lower half, where for a small alpha most is next to 0, in proportion too.
    rare = (UNIFORM < 0.5) & (expected > 1e-12)
    np.testing.assert_allclose(beta_quantile(UNIFORM, alpha)[rare], expected[rare], rtol=0.01)


@pytest.mark.parametrize("alpha", [1e-6, *ALPHAS])
def test_they_rise_from_0_to_1_and_lie_as_far_from_either_end(alpha):
    values = beta_quantile(UNIFORM, alpha)
    assert values[0] >= 0
    assert values[-1] <= 1
    assert (np.diff(values) >= 0).all()
    np.testing.assert_allclose(values + values[::-1], 1, atol=1e-9)
    assert values.var() == pytest.approx(0.25 / (2 * alpha + 1), rel=0.002)


@pytest.mark.parametrize("alpha", [0.2, 1.0, 4.0])
def test_keyed_draws_follow_the_distribution(alpha):
    values = beta_quantile(draw(1, 0, np.arange(20_000), ["share"])[:, 0], alpha)
    assert scipy.stats.kstest(values, scipy.stats.beta(alpha, alpha).cdf).pvalue > 0.001


def test_the_ends_of_the_uniform_numbers_have_a_value():
    for alpha in (1e-6, 0.2, 100.0):
        values = beta_quantile(np.array([0.0, np.nextafter(1.0, 0.0)]), alpha)
        assert np.isfinite(values).all()
        assert values[0] < 0.3
        assert values[1] > 0.7
