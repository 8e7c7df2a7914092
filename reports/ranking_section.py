"""The section of a page on how well probabilities rank: ROC and precision-recall curves."""

import statistics
from collections.abc import Iterator

import numpy as np

from evaluation.curves import Curve, class_curves
from reports.numbers import number, percent
from reports.page_pictures import themed_svg
from reports.predicted import Predicted
from reports.ranking_plot import plot_precision_recall, plot_roc, precision_points, roc_points
from reports.templates import Section

Named = list[tuple[str, Curve | list[Curve]]]


def ranking_section(predicted: Predicted, positive: str = "") -> Iterator[Section]:
    """Of two classes the curves of `positive`, which is the second one where none is named; of more, of the mean over
    the classes, each against all others, of the worst and of the median one. Nothing where no class has a curve."""
    names = predicted.class_names
    curves = [(name, curve) for name, curve in zip(names, class_curves(predicted.labels, predicted.probabilities),
              strict=True) if curve is not None]  # fmt: skip
    if not curves:
        return
    if len(names) == 2:
        shown = next((one for one in curves if one[0] == (positive or names[1])), curves[-1])
        roc, precision, share = [shown], [shown], shown[1].positives / len(predicted.labels)
    else:
        roc, precision, share = _some(curves, "roc_area"), _some(curves, "average_precision"), None
    pictures = [
        (themed_svg(plot_roc(_labelled(roc, "roc_area"))), _roc_words(roc)),
        (themed_svg(plot_precision_recall(_labelled(precision, "average_precision"), share)),
         _precision_words(precision)),
    ]  # fmt: skip
    values = {"pictures": pictures, "positive": roc[0][0] if len(names) == 2 else "", "classes": len(curves),
              "left_out": len(names) - len(curves)}  # fmt: skip
    yield Section("ranking", "Ranking", "ranking.html", values)


def _some(curves: list[tuple[str, Curve]], area: str) -> Named:
    """The mean of all, then the class with the smallest area, then the median one."""
    ordered = sorted(curves, key=lambda one: getattr(one[1], area))
    worst, median = ordered[0], ordered[(len(ordered) - 1) // 2]
    return [(f"mean of {len(curves)} classes", [curve for _, curve in curves]), worst, median]


def _area(curve: Curve | list[Curve], area: str) -> float:
    return getattr(curve, area) if isinstance(curve, Curve) else statistics.fmean(getattr(one, area) for one in curve)


def _labelled(curves: Named, area: str) -> Named:
    return [(f"{name} ({number(_area(curve, area), 3)})", curve) for name, curve in curves]


def _roc_words(curves: Named) -> str:
    """For who does not see the picture."""
    rates, recalls = roc_points(curves[0][1])
    found = float(np.interp(0.05, rates, recalls))
    areas = "; ".join(f"{name}: area {number(_area(curve, 'roc_area'), 4)}" for name, curve in curves)
    return (
        f"ROC curve, the true positive rate over the false positive rate. {areas}. The first one finds "
        f"{percent(found)} of the positives at a false positive rate of 5%."
    )


def _precision_words(curves: Named) -> str:
    recalls, precisions = precision_points(curves[0][1])
    precision = float(precisions[np.searchsorted(recalls, 0.9)])
    areas = "; ".join(
        f"{name}: average precision {number(_area(curve, 'average_precision'), 4)}" for name, curve in curves
    )
    return f"Precision over recall. {areas}. The first one has a precision of {percent(precision)} at a recall of 90%."
