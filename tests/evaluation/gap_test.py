"""The gap of two rates against published intervals, and against what holds of any."""

import numpy as np
import pytest

from evaluation.gap import rate_gap


@pytest.mark.parametrize(
    ("counts", "expected"),
    [  # Newcombe 1998, table II, method 10
        ((56, 70, 48, 80), (0.0524, 0.3339)),
        ((9, 10, 3, 10), (0.1705, 0.8090)),
        ((6, 7, 2, 7), (0.0582, 0.8062)),
        ((5, 56, 0, 29), (-0.0381, 0.1926)),
        ((0, 10, 0, 20), (-0.1611, 0.2775)),
        ((10, 10, 0, 20), (0.6791, 1.0000)),
    ],
)
def test_it_is_newcombes(counts, expected):
    gap, interval = rate_gap(*counts)
    assert interval == pytest.approx(expected, abs=6e-5)
    assert gap == pytest.approx(counts[0] / counts[1] - counts[2] / counts[3])


def test_turned_round_it_is_its_own_mirror():
    gap, (low, high) = rate_gap(30, 40, 50, 90)
    other, (other_low, other_high) = rate_gap(50, 90, 30, 40)
    assert (other, other_low, other_high) == pytest.approx((-gap, -high, -low))


def test_it_holds_the_truth_nineteen_times_of_twenty():
    generator = np.random.default_rng(0)
    ones, others = generator.binomial(80, 0.9, 2000), generator.binomial(200, 0.8, 2000)
    intervals = [rate_gap(int(one), 80, int(other), 200)[1] for one, other in zip(ones, others, strict=True)]
    assert 0.93 < np.mean([low <= 0.1 <= high for low, high in intervals]) < 0.97


def test_nothing_has_no_rate():
    with pytest.raises(ValueError, match="rates of 3 and 0 trials"):
        rate_gap(1, 3, 0, 0)
