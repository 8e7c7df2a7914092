"""What accuracy hides of classes that are not alike, and when it is told."""

import numpy as np
import pytest

from evaluation import metrics


def test_a_rare_class_that_is_never_right_is_told():
    confusion = np.array([[285, 0], [15, 0]])
    figures = {"accuracy": 0.95} | metrics.class_balance(confusion, ("common", "rare"))
    assert figures["balanced_accuracy"] == 0.5
    assert metrics.another_story(figures) == (
        "balanced accuracy 0.5000; worst class 'rare': 0 of 15 right; to say 'common' always would score 0.9500"
    )


@pytest.mark.parametrize(
    ("confusion", "told"),
    [
        ([[50, 2], [3, 45]], False),
        ([[96, 4], [2, 8]], True),  # balanced by 0.06 lower
        ([[9, 1, 0], [0, 10, 0], [5, 2, 3]], True),  # one class right a third as often
        ([[100, 0], [0, 0]], False),  # one class tested: nothing to compare
        ([[60, 0], [40, 0]], True),  # the largest class's name is as good
        ([[20, 0], [0, 1]], False),
    ],
)
def test_another_story_is_told_only_where_there_is_one(confusion, told):
    confusion = np.array(confusion)
    accuracy = np.trace(confusion) / confusion.sum()
    figures = {"accuracy": accuracy} | metrics.class_balance(confusion, [f"class {n}" for n in range(len(confusion))])
    assert bool(metrics.another_story(figures)) == told
