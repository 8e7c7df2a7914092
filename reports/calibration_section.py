"""The section of a page on what a probability is worth: reliability, and what comes of answering only when sure."""

import numpy as np

from evaluation.calibration import Reliability, reliability
from evaluation.decisions import abstention_curve
from evaluation.metrics import wilson_interval
from reports.calibration_plot import plot_abstention, plot_reliability
from reports.numbers import number, percent
from reports.page_pictures import themed_svg
from reports.predicted import Predicted
from reports.templates import Section

SHARES = (1.0, 0.95, 0.9, 0.8, 0.5)  # of pictures answered, of the table


def calibration_section(predicted: Predicted) -> Section:
    """Of the answers that are likeliest, whatever a threshold makes of them."""
    found = reliability(predicted.labels, predicted.probabilities)
    answered, accuracy = abstention_curve(predicted.labels, predicted.probabilities)
    table = _abstention_table(predicted.probabilities, accuracy)
    pictures = [
        (themed_svg(plot_reliability(found)), _reliability_words(found)),
        (themed_svg(plot_abstention(answered, accuracy)), _abstention_words(table)),
    ]
    values = {"pictures": pictures, "bins": _bins(found), "abstention": table}
    return Section("calibration", "Calibration", "calibration.html", values)


def _bins(found: Reliability) -> list[tuple]:
    """(low, high, examples, mean probability, accuracy, its interval) of the bins that have examples."""
    rows = zip(found.edges[:-1], found.edges[1:], found.examples, found.confidence, found.accuracy, strict=True)
    return [(low, high, int(n), float(mean), float(rate), wilson_interval(round(rate * n), int(n)))
            for low, high, n, mean, rate in rows if n]  # fmt: skip


def _abstention_table(probabilities: np.ndarray, accuracy: np.ndarray) -> list[tuple]:
    """(share, pictures, from which probability on, accuracy, its interval)."""
    confidence, rows = -np.sort(-probabilities.max(axis=1)), []
    for share in SHARES:
        count = max(1, round(share * len(accuracy)))
        right = round(float(accuracy[count - 1]) * count)
        interval = wilson_interval(right, count)
        rows.append((share, count, float(confidence[count - 1]), right / count, interval))
    return rows


def _reliability_words(found: Reliability) -> str:
    """For who does not see the picture."""
    rows = _bins(found)
    low, high, examples, mean, rate, _ = max(rows, key=lambda row: row[2])
    low_gap, high_gap, few, gap_mean, gap_rate, _ = max(rows, key=lambda row: row[2] * abs(row[4] - row[3]))
    return (
        f"Reliability diagram: the accuracy of answers by their probability, with the number of pictures below. Most, "
        f"{examples:,}, have {percent(low, 0)} to {percent(high, 0)}, on average {percent(mean)}, and {percent(rate)} "
        f"of them are right. The bin that adds most to the calibration error, of {number(found.expected_error, 3)}, is "
        f"{percent(low_gap, 0)} to {percent(high_gap, 0)}: {few:,} pictures, {percent(gap_mean)} on average, "
        f"{percent(gap_rate)} right."
    )


def _abstention_words(table: list[tuple]) -> str:
    parts = [f"{percent(rate)} of the surest {percent(share, 0)}" for share, _, _, rate, _ in table]
    return f"Accuracy over the share of pictures answered, the surest ones first: right are {', '.join(parts)}."
