"""What is said of probabilities is what a count gives."""

import re

import numpy as np
import pytest

from evaluation.calibration import reliability
from evaluation.decisions import abstention_curve
from reports.calibration_plot import plot_abstention, plot_reliability
from reports.calibration_section import SHARES, calibration_section
from reports.predicted import Predicted
from tests.evaluation.calibration_test import drawn
from tests.reports.plots_test import BLUE, columns_of, pixels_of


def predicted(count: int, sharper: float = 1.0) -> Predicted:
    labels, probabilities = drawn(count, 4, sharper)
    return Predicted(list("abcd"), labels, probabilities.argmax(axis=1), probabilities)


def test_tables_are_counts():
    one = predicted(400)
    values = calibration_section(one).values
    confidence, right = one.probabilities.max(axis=1), one.answers == one.labels
    assert sum(row[2] for row in values["bins"]) == 400
    for low, high, examples, mean, rate, (least, most) in values["bins"]:
        inside = (confidence > low) & (confidence <= high)
        assert (examples, rate) == (inside.sum(), pytest.approx(right[inside].mean()))
        assert mean == pytest.approx(confidence[inside].mean())
        assert least <= rate <= most
    assert [row[0] for row in values["abstention"]] == list(SHARES)
    for share, examples, least, rate, _ in values["abstention"]:
        surest = np.argsort(-confidence, kind="stable")[:examples]
        assert examples == round(400 * share)
        assert (rate, least) == (pytest.approx(right[surest].mean()), confidence[surest].min())


def test_the_words_of_the_pictures_are_those_of_the_tables():
    values = calibration_section(predicted(400, 3.0)).values
    (_, first), (_, second) = values["pictures"]
    most = max(values["bins"], key=lambda row: row[2])
    assert f"Most, {most[2]}, have {100 * most[0]:.0f}% to {100 * most[1]:.0f}%" in first
    parts = re.findall(r"([\d.]+)% of the surest ([\d.]+)%", second)
    assert [float(share) for _, share in parts] == [100 * share for share in SHARES]
    assert [float(rate) for rate, _ in parts] == pytest.approx([100 * row[3] for row in values["abstention"]], abs=0.06)


@pytest.mark.parametrize("count", [1, 5, 400])
def test_pictures_of_few_and_many_examples(count):
    one = predicted(count)
    for figure in (plot_reliability(reliability(one.labels, one.probabilities)),
                   plot_abstention(*abstention_curve(one.labels, one.probabilities))):  # fmt: skip
        assert len(columns_of(pixels_of(figure), BLUE)) > 10


def test_a_bin_with_more_examples_has_a_higher_bar_and_a_shorter_interval():
    heights = []
    for count in (20, 200):
        sure = np.array([[0.9, 0.1]] * count + [[0.6, 0.4]] * 20)
        labels = np.array(([0] * 8 + [1] * 2) * ((count + 20) // 10))
        pixels = pixels_of(plot_reliability(reliability(labels, sure))).astype(int)
        is_blue = np.abs(pixels - BLUE).max(axis=2) <= 12
        bars = is_blue[int(0.75 * len(is_blue)) :]
        tall = [column.sum() for column in np.array_split(bars, 15, axis=1) if column.any()]
        heights.append(tall[0] / tall[-1])
    assert heights[0] > 3 * heights[1]
