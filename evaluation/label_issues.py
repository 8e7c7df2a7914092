"""Which labels are probably wrong, as a model sees it that has not learnt from these examples. Pure numpy.

Confident learning: Northcutt, Jiang & Chuang, "Confident Learning: Estimating Uncertainty in Dataset Labels", JAIR 70
(2021). A class has a threshold of its own, which is how sure the model is of that class's examples on the average: a
class that is hard, or rare, is not suspected as a whole, and a hard example not because it looks a little like others.
"""

import dataclasses
from collections.abc import Mapping, Sequence

import numpy as np

# Why a label is doubted, the strongest reason first.
CONTRADICTED = "same bytes under another label"
CONFIDENT = "sure of another class"
LIKELIER = "another class is likelier"
REASONS = (CONTRADICTED, CONFIDENT, LIKELIER)
_ROUNDING = 1e-9  # a mean of equal numbers may come out above each of them


@dataclasses.dataclass(frozen=True)
class LabelIssue:
    """An example, by its row, whose label is doubted, the class number that it may be of instead, and the reason, one
    of `REASONS`."""

    row: int
    suggestion: int
    reason: str


def find_label_issues(
    labels: np.ndarray, probabilities: np.ndarray, rivals: Mapping[int, Sequence[int]] | None = None
) -> list[LabelIssue]:
    """What may be wrong of int [n] `labels`, the likeliest to be wrong first; by reason, then by self-confidence.

    First come the contradicted ones: of labels that the same bytes have, all but one are wrong without any model. Then
    those of which the model is sure that they are of another class: they count for it (`confident_classes`; these are
    off the diagonal of the paper's confident joint) and are likelier of it. The second condition is not the paper's:
    where a class has one or two examples, their small probabilities are its threshold, and anything comes above it.
    Last come all others that the model takes for another class, which are hard or wrong: the thresholds are means, so
    that half of the examples of a class count for none, and half of the wrong labels may be among these.

    Self-confidence, the probability of the label, is the paper's order of what to prune in a class. Against the margin
    to the likeliest other class it was as good or better in three of four comparisons: see BUILD_NOTES.md.

    Args:
      labels: numbers of classes.
      probabilities: float [n, classes] of a model that was fitted without each example, as of a held-out fold.
      rivals: row -> the other labels of the same bytes, see `contradictions`.
    """
    rivals, rows = rivals or {}, np.arange(len(labels))
    probabilities = np.asarray(probabilities, np.float64)
    likeliest, counted = probabilities.argmax(axis=1), confident_classes(labels, probabilities)
    own = probabilities[rows, labels]
    is_sure = (counted >= 0) & (probabilities[rows, counted] > own)
    found = []
    for row in np.flatnonzero(probabilities[rows, likeliest] > own).tolist():
        found.append(
            LabelIssue(row, int(counted[row]), CONFIDENT) if is_sure[row]
            else LabelIssue(row, int(likeliest[row]), LIKELIER)
        )  # fmt: skip
    found = [issue for issue in found if issue.row not in rivals]
    for row, others in rivals.items():
        found.append(LabelIssue(row, int(max(others, key=probabilities[row].__getitem__)), CONTRADICTED))
    return sorted(found, key=lambda issue: (REASONS.index(issue.reason), own[issue.row], issue.row))


def class_thresholds(labels: np.ndarray, probabilities: np.ndarray) -> np.ndarray:
    """float64 [classes]: the mean probability of each class over its own examples; infinite for a class without one."""
    own = np.asarray(probabilities, np.float64)[np.arange(len(labels)), labels]
    classes = probabilities.shape[1]
    counts, sums = np.bincount(labels, minlength=classes), np.bincount(labels, own, classes)
    return np.where(counts, sums / np.maximum(counts, 1), np.inf)


def confident_classes(labels: np.ndarray, probabilities: np.ndarray) -> np.ndarray:
    """int64 [n]: the class that each example counts for, the likeliest of those at whose threshold it is or above; -1
    where there is none."""
    probabilities = np.asarray(probabilities, np.float64)
    reached = probabilities >= class_thresholds(labels, probabilities) - _ROUNDING
    likeliest = np.where(reached, probabilities, -1.0).argmax(axis=1)
    return np.where(reached.any(axis=1), likeliest, -1)


def contradictions(contents: np.ndarray, labels: np.ndarray) -> dict[int, tuple[int, ...]]:
    """Row -> the other labels under which its bytes stand too, ascending, for each row that has such.

    `contents` are int [n], equal for files with the same bytes, `labels` int [n].
    """
    pairs = np.unique(np.stack([contents, labels], axis=1), axis=0)
    several, counts = np.unique(pairs[:, 0], return_counts=True)
    several = several[counts > 1]
    known: dict[int, list[int]] = {}
    for content, label in pairs[np.isin(pairs[:, 0], several)].tolist():
        known.setdefault(content, []).append(label)
    return {
        row: tuple(label for label in known[int(contents[row])] if label != labels[row])
        for row in np.flatnonzero(np.isin(contents, several)).tolist()
    }
