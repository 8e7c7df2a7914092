"""What a cross-validation comes to: the accuracy of each fold, their mean and spread, and all predictions as one."""

from collections.abc import Mapping, Sequence

import numpy as np

from evaluation.figures import all_figures
from records.tables import PredictionRow

# Y. Bengio and Y. Grandvalet, "No unbiased estimator of the variance of k-fold cross-validation", JMLR 5 (2004).
NOTE = (
    "the folds train on mostly the same pictures, so that their accuracies are not independent and nothing estimates "
    "the variance of their mean without bias (Bengio & Grandvalet 2004); the interval of all pictures takes the runs "
    "for one model, and may be too narrow"
)


def fold_figures(tests: Sequence[Mapping]) -> dict:
    """Ready for JSON, of the test scores (`evaluation.metrics.scores`) of at least two folds: the folds themselves, in
    order, the mean of their accuracies and losses, and the standard deviation of each, of n - 1 degrees of freedom."""
    names = ("accuracy", "accuracy_interval", "loss", "examples")
    values = {name: np.array([test[name] for test in tests], np.float64) for name in ("accuracy", "loss")}
    spread = {
        f"{name}_{what}": float(figure)
        for name, of_folds in values.items()
        for what, figure in (("mean", np.mean(of_folds)), ("standard_deviation", np.std(of_folds, ddof=1)))
    }
    return {"folds": [{name: test[name] for name in names} for test in tests], **spread, "note": NOTE}


def out_of_fold_figures(rows: Sequence[PredictionRow], class_names: Sequence[str]) -> dict:
    """`evaluation.figures.all_figures` of the test predictions of all folds together, each example's by the run that
    did not train on it; its accuracy_interval is Wilson's.

    Raises ValueError where an example is there twice, or a row has not a probability a class.
    """
    paths = {row.path for row in rows}
    if len(paths) < len(rows):
        raise ValueError(f"{len(rows)} predictions of {len(paths)} examples: the folds are not of one cross-validation")
    if any(len(row.probabilities) != len(class_names) for row in rows):
        raise ValueError(f"not every prediction has the {len(class_names)} classes")
    labels, answers = (np.array([class_names.index(row[column]) for row in rows]) for column in (1, 2))
    return all_figures(labels, np.stack([row.probabilities for row in rows]), class_names, answers)


def fold_lines(figures: Mapping) -> list[str]:
    """`fold_figures` with `out_of_fold`, the figures of all predictions, in words, a line each."""
    folds, pooled = figures["folds"], figures["out_of_fold"]
    mean, deviation = figures["accuracy_mean"], figures["accuracy_standard_deviation"]
    return [
        f"mean of {len(folds)}: accuracy {mean:.4f}, standard deviation {deviation:.4f}",
        *(f"fold {number}: accuracy {shown(one)}, {one['examples']} pictures" for number, one in enumerate(folds, 1)),
        f"all {pooled['examples']} pictures, each predicted by the run that did not train on it: accuracy "
        f"{shown(pooled)}, loss {pooled['loss']:.4f}",
        f"note: {figures['note']}",
    ]


def shown(scores: Mapping) -> str:
    """The accuracy of `evaluation.metrics.scores` with its interval."""
    low, high = scores["accuracy_interval"]
    return f"{scores['accuracy']:.4f} ({low:.4f} to {high:.4f})"
