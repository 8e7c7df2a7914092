"""What follows from the history of a run, a row an epoch: the best epoch, when to stop, and a line for the log."""

from collections.abc import Mapping, Sequence


def best_row(history: Sequence[dict], best_on: str = "auto") -> dict | None:
    """The row to export, by --best_on; the earliest of several that are as good.

    Auto is the highest validation accuracy, then the lowest validation loss; without validation (--full_train) the last
    one.
    """
    if not history:
        return None
    if best_on == "last" or history[-1]["validation_accuracy"] is None:
        return history[-1]
    if best_on != "auto":
        return max(history, key=lambda row: (_goodness(row, best_on), -row["epoch"]))
    return max(history, key=lambda row: (row["validation_accuracy"], -row["validation_loss"], -row["epoch"]))


def should_stop(history: Sequence[dict], patience: int, stop_on: str = "auto") -> bool:
    """Whether `patience` epochs have passed without a better figure, by --early_stop_on.

    Auto is the loss: on validation where there is one, else on train.
    """
    if not patience or not history:
        return False
    loss = "loss" if history[-1]["validation_loss"] is None else "validation_loss"
    figures = [_goodness(row, loss if stop_on == "auto" else stop_on) for row in history]
    return len(figures) - 1 - figures.index(max(figures)) >= patience


def _goodness(row: Mapping, figure: str) -> float:
    """More is better."""
    return row[figure] if figure.endswith("accuracy") else -row[figure]


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
