"""The curve of a range test: it is drawn, and marks the suggested rate where it is."""

import numpy as np
import pytest

from records.tables import RateRow
from reports.plots import png_pixels
from reports.rate_plot import plot_rate_range
from tests.reports.plots_test import ORANGE, columns_of

ROWS = [RateRow(10.0 ** (n / 10 - 6), 2.0 + np.cos(n / 15), 2.0 + np.cos(n / 15)) for n in range(70)]


def test_the_suggested_rate_stands_where_it_is_on_the_axis():
    places = []
    for rate in (1e-5, 1e-3, 1e-1):
        pixels = png_pixels(plot_rate_range(ROWS, rate))
        below = pixels[pixels.shape[0] // 2 :]  # without the legend
        places.append(np.median(columns_of(below, ORANGE)))
    assert places == sorted(places)
    assert places[1] - places[0] == pytest.approx(places[2] - places[1], abs=2)


def test_without_a_suggestion_nothing_is_marked():
    assert not len(columns_of(png_pixels(plot_rate_range(ROWS, None)), ORANGE))


def test_an_explosion_does_not_flatten_what_comes_before():
    plain = png_pixels(plot_rate_range(ROWS, None))
    exploded = png_pixels(plot_rate_range([*ROWS, RateRow(20.0, 1e6, 1e5)], None))
    blue = [np.ptp(np.flatnonzero((np.abs(p.astype(int) - (11, 99, 206)).max(axis=2) < 12).any(axis=1)))
            for p in (plain, exploded)]  # fmt: skip
    assert blue[1] > 0.7 * blue[0]


def test_a_single_point_can_be_drawn():
    assert plot_rate_range(ROWS[:1], None).startswith(b"\x89PNG")
