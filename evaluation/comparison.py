"""Which of several models is better on the same examples, and whether that is more than chance. Pure numpy.

The examples are paired: what two models say of one picture is compared, so that how hard the pictures are cancels out,
and a difference is seen that lies within both models' own intervals.
"""

import dataclasses
import itertools
from collections.abc import Sequence

import numpy as np

from base.hashing import splitmix64, uniform
from evaluation.metrics import Interval

SIGNIFICANT = 0.05  # a p-value below it is one that chance alone seldom gives
MOST_RESAMPLES, FEWEST_RESAMPLES = 10_000, 1_000
_DRAWS = 20_000_000  # of examples, all resamples together: a second
_BLOCK = 1 << 20  # draws that are held at a time: 8 MB


@dataclasses.dataclass(frozen=True)
class Pair:
    """Two models on the same examples; a difference is the first one's figure less the second one's.

    Attributes:
      first, second: numbers of the models.
      only_first, only_second: examples that this one has right and the other wrong.
      accuracy_difference, loss_difference: in [-1, 1], and in nats.
      accuracy_interval, loss_interval: 95% each, by the paired bootstrap.
      p_value: how often models that are equally good would disagree as one-sidedly: McNemar's exact test.
      corrected_p_value: by Holm, over all pairs that were compared.
    """

    first: int
    second: int
    only_first: int
    only_second: int
    accuracy_difference: float
    accuracy_interval: Interval
    loss_difference: float
    loss_interval: Interval
    p_value: float
    corrected_p_value: float

    @property
    def better(self) -> int | None:
        """The model that has more right, where that is significant; else None."""
        if self.corrected_p_value >= SIGNIFICANT:
            return None
        return self.first if self.only_first > self.only_second else self.second


def compare_pairs(right: np.ndarray, losses: np.ndarray, key: int) -> list[Pair]:
    """Every two of the models, in their order.

    Args:
      right: bool [models, examples], whether the answer is the example's class.
      losses: float [models, examples], the log loss in nats.
      key: of the bootstrap's draws, in [0, 2**64); the same one gives the same intervals.

    Raises:
      ValueError: fewer than two models, no examples, or arrays of two shapes.
    """
    right, losses = np.asarray(right, bool), np.asarray(losses, np.float64)
    if right.shape != losses.shape or right.ndim != 2 or len(right) < 2 or not right.shape[1]:
        raise ValueError(f"answers {right.shape}, losses {losses.shape}: give (models, examples), two models or more")
    means = resampled_means(np.concatenate([right, losses]), key, resamples_of(right.shape[1]))
    accuracy_means, loss_means = np.split(means, 2, axis=1)
    found = []
    for first, second in itertools.combinations(range(len(right)), 2):
        only_first, only_second = (int((right[a] & ~right[b]).sum()) for a, b in ((first, second), (second, first)))
        found.append(
            Pair(
                first,
                second,
                only_first,
                only_second,
                (only_first - only_second) / right.shape[1],
                _interval(accuracy_means[:, first] - accuracy_means[:, second]),
                float(np.mean(losses[first] - losses[second])),
                _interval(loss_means[:, first] - loss_means[:, second]),
                p_value := mcnemar_exact(only_first, only_second),
                p_value,
            )
        )
    corrected = holm([pair.p_value for pair in found])
    return [
        dataclasses.replace(pair, corrected_p_value=float(value)) for pair, value in zip(found, corrected, strict=True)
    ]


def mcnemar_exact(only_first: int, only_second: int) -> float:
    """The two-sided p-value of McNemar's exact test, in (0, 1], of the examples on which one model alone is right.

    Of two equally good models each is as likely to be that one, so that the smaller count is binomial with a half
    (Q. McNemar, "Note on the sampling error of the difference between correlated proportions or percentages",
    Psychometrika 12, 1947); examples on which both are right or both wrong say nothing. Exact at any count, where the
    chi-squared approximation needs some 25. Raises ValueError for a count below 0.
    """
    if min(only_first, only_second) < 0:
        raise ValueError(f"{only_first} and {only_second} examples: counts are not negative")
    trials, fewer = only_first + only_second, min(only_first, only_second)
    if only_first == only_second:
        return 1.0
    # The logarithms of the binomial coefficients, as they overflow from 1,030 trials on.
    steps = np.arange(1, fewer + 1, dtype=np.float64)
    logs = np.concatenate([[0.0], np.cumsum(np.log((trials - steps + 1) / steps))])
    return float(min(1.0, 2.0 * np.exp(logs - trials * np.log(2.0)).sum()))


def holm(p_values: Sequence[float]) -> np.ndarray:
    """float64 [tests], each at least its p-value and at most 1: below 0.05 where a test stays significant among all.

    The smallest is multiplied by the number of tests, the next by one less, and so on, none becoming smaller than the
    one before (S. Holm, "A simple sequentially rejective multiple test procedure", 1979): the chance of a single false
    claim among all of them stays below 5%, whatever depends on what.
    """
    values = np.asarray(p_values, np.float64)
    order = np.argsort(values, kind="stable")
    scaled = np.maximum.accumulate(values[order] * np.arange(len(values), 0, -1))
    corrected = np.empty_like(values)
    corrected[order] = np.minimum(scaled, 1.0)
    return corrected


def resamples_of(examples: int) -> int:
    """How many resamples of so many examples are drawn: of many fewer, as each then costs more and none strays far."""
    return max(FEWEST_RESAMPLES, min(MOST_RESAMPLES, _DRAWS // examples))


def resampled_means(values: np.ndarray, key: int, resamples: int) -> np.ndarray:
    """float64 [resamples, rows]: the means of float [rows, examples] `values` over as many examples drawn with
    replacement, the same ones for all rows (B. Efron, "Bootstrap methods: another look at the jackknife", 1979).

    The draws are a function of `key` and the number of examples alone.
    """
    rows, count = values.shape
    means = np.empty((resamples, rows))
    stream = splitmix64(np.uint64(key))  # so that neighbouring keys share no numbers
    block = max(1, _BLOCK // count)
    for first in range(0, resamples, block):
        held = min(block, resamples - first)
        numbers = np.arange(first * count, (first + held) * count, dtype=np.uint64)
        drawn = (uniform(splitmix64(numbers + stream)) * count).astype(np.int64)
        drawn += np.repeat(np.arange(held) * count, count)
        times = np.bincount(drawn, minlength=held * count).reshape(held, count)
        means[first : first + held] = times @ values.T / count
    return means


def best_of(pairs: Sequence[Pair], models: int) -> int | None:
    """The model that is significantly better than each other one; None where there is none."""
    wins = [sum(pair.better == model for pair in pairs) for model in range(models)]
    return next((model for model, won in enumerate(wins) if won == models - 1), None)


def unbeaten(pairs: Sequence[Pair], models: int) -> list[int]:
    """The models than which none is significantly better."""
    beaten = {pair.first + pair.second - pair.better for pair in pairs if pair.better is not None}
    return [model for model in range(models) if model not in beaten]


def contested(right: np.ndarray, of_class: np.ndarray) -> np.ndarray:
    """int64: the examples that some models have right and others wrong, first where the models are divided most evenly,
    then where their probabilities of the class lie farthest apart, then by number.

    `right` is bool [models, examples], `of_class` float of that shape, the probabilities of the examples' classes.
    """
    votes = right.sum(axis=0)
    minority = np.minimum(votes, len(right) - votes)
    apart = np.ptp(of_class, axis=0)
    order = np.lexsort((-apart, -minority))
    return order[minority[order] > 0].astype(np.int64)


def _interval(differences: np.ndarray) -> Interval:
    """The bootstrap's 95% percentile interval."""
    low, high = np.quantile(differences, [0.025, 0.975])
    return float(low), float(high)
