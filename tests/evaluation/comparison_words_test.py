"""What is said of a comparison: nobody is called better, and nobody the best, where that is not known."""

import itertools

import numpy as np
import pytest

from evaluation.comparison import compare_pairs
from evaluation.comparison_words import NO_DIFFERENCE, conclusion, verdict

NAMES = ("one", "two", "three")


def pairs_of(*rows: np.ndarray) -> list:
    right = np.array(rows, bool)
    return compare_pairs(right, np.where(right, 0.1, 2.0), key=0)


def split(only_first: int, only_second: int, both: int = 50) -> list:
    first = np.repeat([1, 0, 1], [only_first, only_second, both])
    return pairs_of(first, np.repeat([0, 1, 1], [only_first, only_second, both]))


@pytest.mark.parametrize("only_first", range(0, 30, 3))
def test_no_significant_difference_is_said_exactly_where_there_is_none(only_first):
    (pair,) = split(only_first, 9)
    said = verdict(pair, NAMES)
    assert (NO_DIFFERENCE in said) == (pair.corrected_p_value >= 0.05)
    assert ("is better" in said) == (pair.corrected_p_value < 0.05)


def test_who_is_better_is_named_with_the_difference_and_its_interval():
    for counts, name in (((20, 3), "one"), ((3, 20), "two")):
        (pair,) = split(*counts)
        said = verdict(pair, NAMES)
        low, high = sorted(abs(end) for end in pair.accuracy_interval)
        assert said == f"{name} is better: accuracy higher by {17 / 73:.4f} ({low:.4f} to {high:.4f}), p 0.0005"
        assert 0 < low < 17 / 73 < high
        assert conclusion([pair], NAMES[:2]) == said


def test_too_few_differences_to_tell_are_said_to_be():
    assert verdict(split(5, 0)[0], NAMES) == (
        f"{NO_DIFFERENCE} in accuracy, p 0.0625; 5 pictures tell them apart, and fewer than 6 never do"
    )
    assert "tell" not in verdict(split(3, 3)[0], NAMES)
    assert verdict(split(6, 0)[0], NAMES).startswith("one is better: ")


def test_a_corrected_p_value_decides():
    alike = np.repeat([1, 0], [80, 20])
    worse = np.repeat([0, 1, 0], [6, 74, 20])  # 6 that the others have right: 0.03125, corrected 0.0938
    pairs = pairs_of(alike, alike, worse)
    assert pairs[1].p_value < 0.05 < pairs[1].corrected_p_value
    assert verdict(pairs[1], NAMES) == f"{NO_DIFFERENCE} in accuracy, p 0.0313, corrected 0.0938"
    assert conclusion(pairs, NAMES) == f"{NO_DIFFERENCE} in accuracy between any two of the 3"


def test_of_many_the_best_is_named_only_where_it_beats_all():
    good, middle, bad = (np.repeat([1, 0], [count, 100 - count]) for count in (95, 70, 40))
    assert conclusion(pairs_of(good, middle, bad), NAMES) == "one is better than each of the other 2"
    assert conclusion(pairs_of(bad, middle, good), NAMES) == "three is better than each of the other 2"
    said = conclusion(pairs_of(good, good, bad), NAMES)
    assert (
        said
        == f"none is better than each of the others: between one and two {NO_DIFFERENCE}; worse than another: three"
    )


def test_one_that_nobody_beats_need_not_beat_all():
    # Three beats two by 8 pictures, all of which one has right too, where it has as many others wrong.
    one = np.repeat([1, 1, 0, 1], [8, 6, 6, 80])
    two = np.repeat([0, 1, 1, 1], [8, 6, 6, 80])
    three = np.repeat([1, 0, 1, 1], [8, 6, 6, 80])
    for names in itertools.permutations(NAMES):
        said = conclusion(pairs_of(one, two, three), names)
        assert "is better than each of the other 2" not in said
