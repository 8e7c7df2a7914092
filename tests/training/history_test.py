"""The best epoch, when to stop, and an epoch in words."""

import pytest

from records.history import TIMED_COLUMNS
from training.history import best_row, epoch_line, should_stop


def row(epoch: int, accuracy=None, loss=None, train_loss=1.0) -> dict:
    timed = dict.fromkeys(TIMED_COLUMNS, 0.01)
    return {"epoch": epoch, "step": 10 * epoch, "phase": "all", "loss": train_loss, "accuracy": 0.5,
            "validation_loss": loss, "validation_accuracy": accuracy, "learning_rate": 0.001} | timed  # fmt: skip


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


@pytest.mark.parametrize(
    ("best_on", "best"),
    [("auto", 2), ("validation_accuracy", 1), ("validation_loss", 3), ("last", 5)],
)
def test_the_best_row_is_by_the_figure_that_was_asked_for(best_on, best):
    figures = [(0.9, 1.0), (0.9, 0.5), (0.7, 0.1), (0.8, 0.1), (0.2, 3.0)]
    history = [row(epoch, *figure) for epoch, figure in enumerate(figures, 1)]
    assert best_row(history, best_on)["epoch"] == best


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


@pytest.mark.parametrize(
    ("stop_on", "stops_after"), [("auto", 4), ("validation_loss", 4), ("validation_accuracy", 5), ("loss", 6),
                                 ("accuracy", 3)],
)  # fmt: skip
def test_stopping_early_looks_at_the_figure_that_was_asked_for(stop_on, stops_after):
    losses, accuracies = [5.0, 4.0, 6.0, 7.0, 8.0, 9.0], [0.1, 0.2, 0.3, 0.2, 0.3, 0.1]
    history = [row(e, accuracy, loss, [9, 8, 7, 6, 7, 7][e - 1])
               for e, (loss, accuracy) in enumerate(zip(losses, accuracies, strict=True), 1)]  # fmt: skip
    stopped = [should_stop(history[:count], 2, stop_on) for count in range(1, 7)]
    assert stopped.index(True) + 1 == stops_after


def test_an_epoch_in_words():
    shown = row(3, accuracy=0.25, loss=1.5, train_loss=0.12345) | {"images_per_second": 1234.5,
                                                                   "input_wait_fraction": 0.0123}  # fmt: skip
    expected = ("epoch  3/15  loss 0.1235  accuracy 0.5000  validation loss 1.5000 accuracy 0.2500  1234 images/s  "
                "input wait 1.2%")  # fmt: skip
    assert epoch_line(shown, 15) == expected.replace("0.1235", f"{0.12345:.4f}")
    of_head = epoch_line(shown | {"phase": "head"}, 15)
    assert of_head.startswith("epoch  3/15  head  loss ")
    alone = epoch_line(shown | {"validation_loss": None, "validation_accuracy": None}, 3)
    assert "validation" not in alone
    assert alone.startswith("epoch 3/3  ")
