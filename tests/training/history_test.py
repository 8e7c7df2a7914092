"""The best epoch, and when to stop."""

import pytest

from training.history import best_row, should_stop


def row(epoch: int, accuracy=None, loss=None, train_loss=1.0) -> dict:
    return {"epoch": epoch, "loss": train_loss, "validation_loss": loss, "validation_accuracy": accuracy}


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
