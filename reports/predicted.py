"""Sections of a page that show what was predicted of examples: confusion matrix, classes, confused pairs."""

from collections.abc import Iterator, Mapping, Sequence

import numpy as np

from evaluation.metrics import balanced_accuracy, class_figures, confusion_matrix, confusion_pairs
from records.tables import PredictionRow
from reports.confusion_plot import plot_confusion
from reports.letters import drawable
from reports.page_pictures import themed
from reports.templates import Section

MAX_PAIRS = 12


def predicted_figures(rows: Sequence[PredictionRow], class_names: Sequence[str]) -> dict | None:
    """What was predicted of examples, as counted from their rows; None where there are none.

    Raises ValueError where they name a class that is not in `class_names`.
    """
    numbers = {name: number for number, name in enumerate(class_names)}
    unknown = {name for row in rows for name in (row.label, row.prediction)} - set(numbers)
    if unknown:
        raise ValueError(f"a prediction names the class {min(unknown)!r}, the results do not: both must be of one run")
    if not rows:
        return None
    labels, predictions = np.array([(numbers[row.label], numbers[row.prediction]) for row in rows]).T
    confusion = confusion_matrix(labels, predictions, len(class_names))
    return {
        "examples": len(rows),
        "right": int(np.trace(confusion)),
        "balanced_accuracy": balanced_accuracy(confusion),
        "numbered": any("\ufffd" in drawable(name) for name in class_names),
        "picture": themed(lambda dark: plot_confusion(confusion, class_names, dark=dark)),
        "classes": list(zip(class_names, class_figures(confusion), strict=True)),
        "pairs": [
            (class_names[pair.true], class_names[pair.predicted], pair.examples, int(confusion[pair.true].sum()))
            for pair in confusion_pairs(confusion, MAX_PAIRS)
        ],
    }


def predicted_sections(figures: Mapping, scored: str, told_accuracy: float | None = None) -> Iterator[Section]:
    """Of `predicted_figures` of the `scored` examples, as "test"; `told_accuracy` is what results.json has."""
    values = {"predicted": figures, "scored": scored}
    yield Section("confusion", "Confusion matrix", "confusion.html", values | {"told_accuracy": told_accuracy})
    yield Section("classes", "Classes", "classes.html", values)
    yield Section("pairs", "Most confused pairs", "pairs.html", values)
