"""Whether a figure goes up or down over the epochs, or only to and fro."""

import math
from collections.abc import Sequence

import numpy as np

FEWEST = 5  # values: four in falling order come by chance more often than 5% of the time


def trend(values: Sequence[float]) -> float:
    """How many standard deviations the order of at least `FEWEST` values is from none: above 0 where they rise, below
    where they fall, beyond 1.96 with 95% confidence.

    H. B. Mann, "Nonparametric tests against trend", Econometrica 13 (1945), with Kendall's correction for ties and for
    continuity. It takes the values for independent but for the trend: those of neighbouring epochs are alike, so that
    it finds a trend too soon, however small; whoever asks should ask for a size too. Raises ValueError for fewer
    values, and for what is not finite.
    """
    values = np.asarray(values, np.float64)
    count = len(values)
    if count < FEWEST or not np.isfinite(values).all():
        raise ValueError(f"a trend of {count} values: give at least {FEWEST}, all of them finite")
    rises = int(np.sign(values[None, :] - values[:, None])[np.triu_indices(count, 1)].sum())
    _, ties = np.unique(values, return_counts=True)
    variance = (count * (count - 1) * (2 * count + 5) - int(np.sum(ties * (ties - 1) * (2 * ties + 5)))) / 18
    return math.copysign(max(0, abs(rises) - 1), rises) / math.sqrt(variance) if variance else 0.0
