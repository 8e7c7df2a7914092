"""history.csv, the best epoch and when to stop."""

import pytest

from tests.helpers.run_fixtures import read_rows
from training.history import COLUMNS, TIMED_COLUMNS, best_row, should_stop, write_history


def row(epoch: int, accuracy=None, loss=None, train_loss=1.0) -> dict:
    timed = dict.fromkeys(TIMED_COLUMNS, 0.01)
    return {"epoch": epoch, "step": 10 * epoch, "loss": train_loss, "accuracy": 0.5, "validation_loss": loss,
            "validation_accuracy": accuracy, "learning_rate": 0.001} | timed  # fmt: skip


def test_the_file_has_a_column_a_figure_and_gives_every_bit_back(tmp_path):
    history = [row(1, 0.1 + 0.2, 1 / 3), row(2)]
    write_history(tmp_path / "history.csv", history)
    text = (tmp_path / "history.csv").read_text()
    assert text.splitlines()[0] == ",".join(COLUMNS)
    first, second = read_rows(tmp_path / "history.csv")
    assert float(first["validation_accuracy"]) == 0.1 + 0.2
    assert float(first["validation_loss"]) == 1 / 3
    assert second["validation_loss"] == second["validation_accuracy"] == ""
    assert second["step"] == "20"


@pytest.mark.parametrize(
    ("figures", "best"),
    [
        ([(0.5, 1.0), (0.9, 2.0), (0.7, 0.1)], 2),
        ([(0.9, 1.0), (0.9, 0.5), (0.9, 0.8)], 2),
        ([(0.9, 0.5), (0.9, 0.5), (0.2, 0.1)], 1),
        ([(0.0, 9.0)], 1),
    ],
    ids=["accuracy", "then loss", "then the earliest", "a single one"],
)
def test_the_best_row(figures, best):
    history = [row(epoch, *figure) for epoch, figure in enumerate(figures, 1)]
    assert best_row(history)["epoch"] == best


def test_without_validation_the_last_row_is_the_best():
    assert best_row([row(1, train_loss=0.1), row(2, train_loss=9.0)])["epoch"] == 2
    assert best_row([]) is None


@pytest.mark.parametrize(
    ("losses", "patience", "stops"),
    [
        ([3, 2, 1], 1, False),
        ([3, 2, 2], 1, True),
        ([3, 2, 2], 2, False),
        ([3, 2, 2.5, 2.2], 2, True),
        ([3, 2, 2.5, 1.9], 2, False),
        ([1, 2, 3, 4], 0, False),
        ([], 1, False),
        ([5], 1, False),
    ],
)
@pytest.mark.parametrize("validated", [True, False])
def test_stopping_early(losses, patience, stops, validated):
    # The other loss falls all the time: looking at the wrong one never stops.
    falling = [100.0 - epoch for epoch in range(len(losses))]
    shown, other = (losses, falling) if validated else ([None] * len(losses), losses)
    history = [
        row(e, 0.5 if validated else None, loss, train)
        for e, (loss, train) in enumerate(zip(shown, other, strict=True))
    ]
    assert should_stop(history, patience) == stops
