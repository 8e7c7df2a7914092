"""How far two rates of different examples are apart, and how sure one can be of that."""

import math

from evaluation.metrics import Interval, wilson_interval


def rate_gap(successes: int, trials: int, other_successes: int, other_trials: int) -> tuple[float, Interval]:
    """(the first rate less the other one, its 95% interval), of examples that are not the same; within [-1, 1].

    R. G. Newcombe, "Interval estimation for the difference between independent proportions", Statistics in Medicine 17
    (1998), method 10: the ends of both Wilson intervals, added as squares. Raises ValueError where there are no trials.
    """
    if not trials or not other_trials:
        raise ValueError(f"a gap between rates of {trials} and {other_trials} trials: give at least one of each")
    rate, other = successes / trials, other_successes / other_trials
    (low, high), (other_low, other_high) = (
        wilson_interval(successes, trials), wilson_interval(other_successes, other_trials)
    )  # fmt: skip
    gap = rate - other
    return gap, (gap - math.hypot(rate - low, other_high - other), gap + math.hypot(high - rate, other - other_low))
