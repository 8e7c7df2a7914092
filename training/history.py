"""What follows from the history of a run, a row an epoch: the best epoch, when to stop, and a line for the log."""

from collections.abc import Mapping, Sequence


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


def epoch_line(row: Mapping, epochs: int) -> str:
    """One line an epoch: the row of history.csv in words."""
    width = len(str(epochs))
    of_head = "  head" if row["phase"] == "head" else ""
    parts = [
        f"epoch {row['epoch']:>{width}}/{epochs}{of_head}",
        f"loss {row['loss']:.4f}",
        f"accuracy {row['accuracy']:.4f}",
    ]
    if row["validation_loss"] is not None:
        parts.append(f"validation loss {row['validation_loss']:.4f} accuracy {row['validation_accuracy']:.4f}")
    if row["images_per_second"] is not None:  # of a start's only step, which was traced, there is no rate
        parts.append(f"{row['images_per_second']:.0f} images/s")
        parts.append(f"input wait {100 * row['input_wait_fraction']:.1f}%")
    return "  ".join(parts)
