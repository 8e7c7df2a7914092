"""Uniform numbers -> numbers of a Beta distribution, each from one of them: no generator, and nothing rejected."""

import functools

import numpy as np

_CELLS = 8192


def beta_quantile(uniform: np.ndarray, alpha: float) -> np.ndarray:
    """float64 in [0, 1]: where the distribution function of Beta(alpha, alpha) reaches `uniform`, in [0, 1).

    The logit z of such a number x = 1 / (1 + exp(-z)) has a density in proportion to (x (1 - x))^alpha: however small
    alpha is, one smooth hill, whose tails fall as exp(-alpha |z|).
    """
    logits, reached = _distribution(alpha)
    # Beyond 700 it is 0 or 1 in float64, and exp would overflow.
    return 1.0 / (1.0 + np.exp(-np.clip(np.interp(uniform, reached, logits), -700.0, 700.0)))


@functools.lru_cache(maxsize=8)
def _distribution(alpha: float) -> tuple[np.ndarray, np.ndarray]:
    """(logits, the distribution function there), summed up by trapezoids from where the hill is e^-40 of its top."""
    end = 40.0 / alpha + 2.0 * np.log(2.0)
    logits = np.linspace(-end, end, _CELLS + 1)
    far = np.abs(logits)
    density = np.exp(-alpha * (far + 2.0 * np.log1p(np.exp(-far)) - 2.0 * np.log(2.0)))
    mass = np.concatenate([[0.0], np.cumsum(density[1:] + density[:-1])])
    return logits, mass / mass[-1]
