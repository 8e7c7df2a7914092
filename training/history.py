"""The history of a run, a row an epoch, and what follows from it: the best epoch and when to stop."""

from collections.abc import Sequence


def best_row(history: Sequence[dict]) -> dict | None:
    """The row to export: highest validation accuracy, then lowest validation loss, then earliest.

    Without validation (--full_train) the last one.
    """
    if not history or history[-1]["validation_accuracy"] is None:
        return history[-1] if history else None
    return max(history, key=lambda row: (row["validation_accuracy"], -row["validation_loss"], -row["epoch"]))


def should_stop(history: Sequence[dict], patience: int) -> bool:
    """Whether `patience` epochs have passed without a lower loss: on validation where there is one, else on train."""
    if not patience or not history:
        return False
    name = "loss" if history[-1]["validation_loss"] is None else "validation_loss"
    losses = [row[name] for row in history]
    return len(losses) - 1 - losses.index(min(losses)) >= patience
