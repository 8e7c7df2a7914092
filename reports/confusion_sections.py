"""Sections of a page on which class was taken for which: confusion matrix, classes, confused pairs."""

from collections.abc import Iterator

import numpy as np

from evaluation.metrics import ClassFigures, class_figures, confusion_pairs
from reports.confusion_plot import MOST_COUNTED, plot_confusion, plot_overview
from reports.letters import drawable
from reports.numbers import percent
from reports.page_pictures import themed
from reports.predicted import Predicted
from reports.templates import Section

MAX_PAIRS = 12
MOST_CLASSES = 50  # rows of a table that are shown without a click, and the worst ones of more
WORST_CLASSES = 12
_BLOCK_CLASSES = 24


def confusion_sections(predicted: Predicted, scored: str, told_accuracy: float | None = None) -> Iterator[Section]:
    """Of the `scored` examples, as "test"; `told_accuracy` is what results.json has."""
    yield _matrix(predicted, scored, told_accuracy)
    yield _classes(predicted, scored)
    names, confusion = predicted.class_names, predicted.confusion
    pairs = [(names[pair.true], names[pair.predicted], pair.examples, int(confusion[pair.true].sum()))
             for pair in confusion_pairs(confusion, MAX_PAIRS)]  # fmt: skip
    yield Section("pairs", "Most confused pairs", "pairs.html", {"pairs": pairs, "scored": scored})


def most_confused(confusion: np.ndarray, count: int) -> list[int]:
    """At most `count` class numbers, in order, of the classes in the most frequent mistakes, these pairs complete."""
    chosen: set[int] = set()
    for pair in confusion_pairs(confusion, count * count):
        if len(chosen | {pair.true, pair.predicted}) > count:
            break
        chosen |= {pair.true, pair.predicted}
    return sorted(chosen)


def _matrix(predicted: Predicted, scored: str, told_accuracy: float | None) -> Section:
    names, confusion = predicted.class_names, predicted.confusion
    are_many = len(names) > MOST_COUNTED
    block = most_confused(confusion, _BLOCK_CLASSES) if are_many else range(len(names))
    values = {
        "predicted": predicted, "scored": scored, "told_accuracy": told_accuracy, "shown": len(block),
        "numbered": any("\ufffd" in drawable(names[label]) for label in block),
        "picture": themed(lambda dark: plot_confusion(confusion, names, dark, block=block)) if len(block) else None,
        "overview": themed(lambda dark: plot_overview(confusion, dark)) if are_many else None,
        "alt": _words(predicted, scored),
    }  # fmt: skip
    return Section("confusion", "Confusion matrix", "confusion.html", values)


def _words(predicted: Predicted, scored: str) -> str:
    """What the matrix shows, for who does not see it."""
    examples, pairs = len(predicted.labels), confusion_pairs(predicted.confusion, 1)
    words = f"Confusion matrix of {examples:,} {scored} examples, true classes in rows, answers in columns: "
    words += f"{predicted.right:,} are on the diagonal ({percent(predicted.right / examples)})"
    if pairs:
        true, taken = (predicted.class_names[label] for label in (pairs[0].true, pairs[0].predicted))
        words += f"; the largest number off it is {pairs[0].examples:,}, of {true} taken for {taken}"
    return words + ". The tables below have its figures."


def _classes(predicted: Predicted, scored: str) -> Section:
    figures = list(enumerate(zip(predicted.class_names, class_figures(predicted.confusion), strict=True)))
    rows, worst = [(number, name, one) for number, (name, one) in figures], []
    if len(rows) > MOST_CLASSES:
        rows = sorted(rows, key=lambda row: _goodness(row[2]))
        worst = rows[:WORST_CLASSES]
    return Section("classes", "Classes", "classes.html", {"rows": rows, "worst": worst, "scored": scored})


def _goodness(one: ClassFigures) -> tuple:
    """The least is the worst: of the lowest F1, then of most examples; a class that says nothing comes last."""
    return (one.f1 is None, one.f1 or 0.0, -one.support)
