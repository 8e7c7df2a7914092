"""Draws: uniform, independent between ids, epochs, seeds and knobs, and keyed by the example alone."""

import itertools

import numpy as np
import pytest

from pipeline.augment.draws import draw

KNOBS = ("rotate", "shift_rows", "shift_columns", "shear", "zoom_rows", "horizontal_flip")
IDS = np.arange(20_000)


@pytest.mark.parametrize("stride", [1, 2, 64, 1000])
def test_every_knob_is_uniform_whatever_the_ids(stride):
    draws = np.sort(draw(1, 0, stride * IDS, KNOBS), axis=0)
    assert draws.dtype == np.float64
    assert draws.min() >= 0
    assert draws.max() < 1
    # Kolmogorov-Smirnov distance: 1.95 / sqrt(n) is passed once in a thousand.
    expected = (np.arange(len(IDS)) + 0.5) / len(IDS)
    assert np.abs(draws - expected[:, None]).max() < 1.95 / np.sqrt(len(IDS))


def test_knobs_epochs_seeds_and_neighbours_are_uncorrelated():
    columns = [draw(seed, epoch, IDS, KNOBS) for seed, epoch in [(1, 0), (1, 1), (1, 2), (2, 0), (2, 1), (0, 1)]]
    columns.append(np.roll(columns[0], 1, axis=0))
    columns.append(IDS[:, None])
    table = np.corrcoef(np.concatenate(columns, axis=1).T)
    np.fill_diagonal(table, 0)
    # The standard error is 0.007; there are 900 pairs.
    assert np.abs(table).max() < 0.035


def test_two_knobs_fill_the_square():
    draws = draw(3, 7, IDS, KNOBS)
    for one, two in itertools.combinations(range(len(KNOBS)), 2):
        cells = np.histogram2d(draws[:, one], draws[:, two], bins=10, range=[[0, 1], [0, 1]])[0]
        assert ((cells - 200) ** 2 / 200).sum() < 160  # chi-squared with 99 degrees of freedom: p = 1e-4


def test_a_draw_belongs_to_its_example_not_to_its_place():
    table = draw(1, 4, IDS[:100], KNOBS)
    order = np.random.default_rng(0).permutation(100)
    np.testing.assert_array_equal(draw(1, 4, order, KNOBS), table[order])
    np.testing.assert_array_equal(draw(1, 4, np.array([42]), KNOBS), table[42:43])


def test_another_knob_changes_no_other():
    table = draw(1, 4, IDS[:50], KNOBS)
    more = draw(1, 4, IDS[:50], ("brightness", *KNOBS[::-1]))
    np.testing.assert_array_equal(more[:, 1:], table[:, ::-1])
    np.testing.assert_array_equal(draw(1, 4, IDS[:50], KNOBS[2:3]), table[:, 2:3])


def test_seed_and_epoch_both_matter():
    tables = [draw(seed, epoch, IDS[:50], KNOBS) for seed in range(3) for epoch in range(3)]
    for one, two in itertools.combinations(tables, 2):
        assert (one != two).all()


def test_the_draws_of_a_seed_never_change():
    # A changed draw would change the weights that an old run gives when it is resumed or repeated.
    expected = [[0.42009809075588744, 0.9888756851887389], [0.7170847600437058, 0.6187866093955892]]
    assert draw(1, 0, np.array([0, 1]), ("rotate", "shear")).tolist() == expected
