"""A learning-rate range test: the loss while the rate grows from update to update, and the rate that it suggests.

Smith, "Cyclical Learning Rates for Training Neural Networks" (2017), section 3.3, with rates that grow exponentially
and a smoothed loss, as in fastai's finder.
"""

import math
from collections.abc import Callable, Iterator, Sequence

import numpy as np

from base.watch import Watch
from training.step import TrainState

LOWEST_RATE, HIGHEST_RATE, UPDATES = 1e-7, 10.0, 100
# Of the mean that the losses are smoothed by; a smoothed loss so many times the lowest one has exploded.
SMOOTHING, EXPLODED = 0.98, 4.0
# What of the rate with the lowest loss is suggested: there, learning is about to fail.
SUGGESTED_PART = 0.1


def range_losses(
    state: TrainState, batches: Iterator, train_step: Callable, accumulate_steps: int, watch: Watch
) -> list[tuple[float, float]]:
    """(rate, mean loss of the batches before the update with it), until the loss explodes or all rates were tried.

    The state is used up. Its optimizer must have a constant rate. Raises Stopped where that is asked for.
    """
    points = []
    for place, rate in enumerate(rates()):
        watch.check("in the range test")
        watch.progress(place, UPDATES, f"rate {rate:.2g}")
        state.optimizer.learning_rate = rate
        state.sums.assign(np.zeros(3))
        for number in range(1, accumulate_steps + 1):
            train_step(next(batches), False, number == accumulate_steps)
        loss, _, examples = np.asarray(state.sums).tolist()
        if not math.isfinite(loss):
            break
        points.append((rate, loss / examples))
        mean = smoothed([loss for _, loss in points])
        if mean[-1] > EXPLODED * min(mean):
            break
    watch.close()
    return points


def rates() -> list[float]:
    """Those that are tried, from the lowest to the highest; each is the same factor of the one before."""
    return np.geomspace(LOWEST_RATE, HIGHEST_RATE, UPDATES).tolist()


def smoothed(losses: Sequence[float]) -> list[float]:
    """The exponential mean of the losses up to each, free of the bias of its beginning."""
    mean, found = 0.0, []
    for place, loss in enumerate(losses, 1):
        mean = SMOOTHING * mean + (1 - SMOOTHING) * loss
        found.append(mean / (1 - SMOOTHING**place))
    return found


def suggested_rate(points: Sequence[tuple[float, float]]) -> float | None:
    """A tenth of the rate with the lowest smoothed loss; None where the loss was lowest at the beginning."""
    means = smoothed([loss for _, loss in points])
    lowest = int(np.argmin(means)) if means else 0
    return SUGGESTED_PART * points[lowest][0] if lowest else None
