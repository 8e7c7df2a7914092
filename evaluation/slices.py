"""Accuracy by properties of the examples: where a model fails, and where there are too few to say. Pure numpy."""

import dataclasses
import itertools
from collections.abc import Iterator, Sequence
from statistics import NormalDist

import numpy as np

from evaluation.metrics import Interval, wilson_interval

BINS = 5  # of numbers; or fewer, so that each holds FEWEST
SINGLE_NUMBERS = 8  # up to as many different numbers are a slice each
MOST_TEXTS = 50  # different ones of a column: more say of each example which it is
FEWEST = 20  # of fewer examples, one moves the accuracy by more than 0.05
WIDEST_HALF = 0.1  # of an interval that says that nothing is wrong
ERROR = 0.05  # over all slices together
NO_VALUE = "no value"
ALL, WORSE, TOO_FEW, NOT_WORSE = "all examples", "worse", "too few to say", "not shown to be worse"


@dataclasses.dataclass(frozen=True, eq=False)
class Column:
    """A property of examples: `values` float64 [n], NaN where there is none, or text, empty where there is none.

    `unit` stands behind its numbers.
    """

    name: str
    values: np.ndarray
    unit: str = ""


@dataclasses.dataclass(frozen=True)
class Slice:
    """Examples that are alike in one column: how many, how many of them are right, and what that says.

    Attributes:
      column, name: the property, and its value or values in words.
      interval: Wilson's of the accuracy, 95 %.
      corrected: the same, as wide as all slices together need; None where it was not asked, for `verdict` ALL, or
        TOO_FEW with less than `FEWEST`.
      verdict: ALL, WORSE, TOO_FEW or NOT_WORSE.
    """

    column: str
    name: str
    examples: int
    right: int
    interval: Interval
    corrected: Interval | None
    verdict: str

    @property
    def accuracy(self) -> float:
        """In [0, 1]."""
        return self.right / self.examples


def find_slices(is_right: np.ndarray, columns: Sequence[Column]) -> list[Slice]:
    """The slices of each column, in its order, of bool [n] `is_right`.

    A slice is called WORSE where its interval lies below the accuracy of all examples. Of 30 slices that are as good as
    the others one would have such a 95 % interval by chance, so the intervals that are asked are wider: with
    Bonferroni's correction, an error of 0.05 divided by the number of slices that are asked. That the whole's accuracy
    is taken as known errs on the safe side: it holds the slice, so that their difference varies less, by the factor
    1 - examples / n, than the slice does. What is not WORSE is NOT_WORSE only where its 95 % interval reaches no
    further than 0.1 to either side on the average; else there are TOO_FEW to say.
    """
    is_right = np.asarray(is_right, bool)
    masks = [(column.name, name, mask) for column in columns for name, mask in _parts(column)]
    counted = [(column, name, int(mask.sum()), int(is_right[mask].sum())) for column, name, mask in masks]
    asked = sum(FEWEST <= examples < len(is_right) for *_, examples, _ in counted)
    z = NormalDist().inv_cdf(1 - ERROR / (2 * max(1, asked)))
    return [_slice(*one, z, is_right) for one in counted]


def asked_slices(slices: Sequence[Slice]) -> list[Slice]:
    """Those that were asked whether they are worse."""
    return [one for one in slices if one.corrected is not None]


def worst_slice(slices: Sequence[Slice]) -> Slice | None:
    """The least accurate of those that are worse; if none is, of those that were asked; None where none was."""
    candidates = [one for one in slices if one.verdict == WORSE] or asked_slices(slices)
    return min(candidates, key=lambda one: one.accuracy, default=None)


def column_of(name: str, texts: Sequence[str]) -> Column | None:
    """A column of what a table holds, an empty text for no value: numbers where all are, else texts; None where these
    are more than `MOST_TEXTS` different ones."""
    try:
        numbers = np.array([float(text) if text else np.nan for text in texts], np.float64)
        if np.isfinite(numbers).sum() == sum(map(bool, texts)):
            return Column(name, numbers)
    except ValueError:
        pass
    return Column(name, np.array(texts, object)) if len(set(texts) - {""}) <= MOST_TEXTS else None


def _slice(column: str, name: str, examples: int, right: int, z: float, is_right: np.ndarray) -> Slice:
    interval = wilson_interval(right, examples)
    if examples == len(is_right) or examples < FEWEST:
        return Slice(column, name, examples, right, interval, None, ALL if examples == len(is_right) else TOO_FEW)
    corrected = wilson_interval(right, examples, z)
    if corrected[1] < is_right.mean():
        verdict = WORSE
    else:
        verdict = TOO_FEW if interval[1] - interval[0] > 2 * WIDEST_HALF else NOT_WORSE
    return Slice(column, name, examples, right, interval, corrected, verdict)


def _parts(column: Column) -> Iterator[tuple[str, np.ndarray]]:
    """(name, bool [n]) of each slice that holds an example; together they hold each example once."""
    values = column.values
    is_number = np.issubdtype(values.dtype, np.floating)
    lacks = np.isnan(values) if is_number else values == ""
    if is_number:
        parts = _number_parts(values, lacks, column.unit)
    else:
        parts = ((str(text), values == text) for text in sorted(set(values[~lacks].tolist())))
    yield from parts
    if lacks.any():
        yield NO_VALUE, lacks


def _number_parts(values: np.ndarray, lacks: np.ndarray, unit: str) -> Iterator[tuple[str, np.ndarray]]:
    known, unit = values[~lacks], f" {unit}" if unit else ""
    different = np.unique(known)
    if len(different) <= SINGLE_NUMBERS:
        yield from ((f"{_shown(value)}{unit}", values == value) for value in different)
        return
    edges = _edges(known)
    yield f"below {_shown(edges[0])}{unit}", values < edges[0]
    for low, high in itertools.pairwise(edges):
        yield f"{_shown(low)} to {_shown(high)}{unit}", (values >= low) & (values < high)
    yield f"{_shown(edges[-1])}{unit} or more", values >= edges[-1]


def _edges(values: np.ndarray) -> np.ndarray:
    """Where bins begin that hold about equally many: quantiles, with as few digits as leave each at least half of its
    share. Values that are equal stay together, so there may be fewer bins."""
    bins = min(BINS, max(2, len(values) // FEWEST))
    quantiles = np.quantile(values, np.arange(1, bins) / bins, method="higher")  # of the values themselves
    for digits in range(2, 7):
        edges = np.unique([float(f"{quantile:.{digits}g}") for quantile in quantiles])
        counts = np.bincount(np.searchsorted(edges, values, side="right"), minlength=len(edges) + 1)
        if len(edges) == bins - 1 and counts.min() >= 0.5 * len(values) / bins:
            return edges
    least, *others = np.unique(values)
    return np.unique(quantiles[quantiles > least]) if quantiles[-1] > least else np.array(others[:1])


def _shown(value: float) -> str:
    """12345.0 is 12,345; 0.25 is 0.25."""
    return f"{value:,.0f}" if value == round(value) and abs(value) < 1e15 else f"{value:.10g}"
