"""Made-up models for the tests of what is said of them."""

import numpy as np

from evaluation.figures import all_figures
from evaluation.metrics import wilson_interval
from reports.evidence import Evidence
from reports.predicted import Predicted


def predicted_of_counts(confusion, sure: float = 0.9, class_names=None) -> Predicted:
    """As many examples as the [true class, answer] counts say, each answered with a probability of `sure`."""
    confusion = np.asarray(confusion)
    classes = len(confusion)
    pairs = np.repeat(np.argwhere(confusion >= 0), confusion.ravel(), axis=0)
    probabilities = np.full((len(pairs), classes), (1 - sure) / max(classes - 1, 1))
    probabilities[np.arange(len(pairs)), pairs[:, 1]] = sure
    names = class_names or [f"class {number}" for number in range(classes)]
    return Predicted(names, pairs[:, 0], pairs[:, 1], probabilities.astype(np.float32))


def scored(right: int, examples: int) -> dict:
    """The figures of a split."""
    return {"accuracy": right / examples, "accuracy_interval": list(wilson_interval(right, examples)),
            "examples": examples, "loss": 0.5, "loss_interval": [0.4, 0.6]}  # fmt: skip


def history_of_losses(losses, phase: str = "all") -> list[dict]:
    return [{"epoch": number + 1, "phase": phase, "validation_loss": loss} for number, loss in enumerate(losses)]


def evidence_of(confusion=((90, 10), (10, 90)), sure: float = 0.9, **known) -> Evidence:
    """Of a test split with such counts."""
    predicted = predicted_of_counts(confusion, sure, known.pop("class_names", None))
    figures = {"test": all_figures(predicted.labels, predicted.probabilities, predicted.class_names, predicted.answers)}
    return Evidence(**{"scored": "test", "figures": figures | known.pop("figures", {}), "predicted": predicted} | known)
