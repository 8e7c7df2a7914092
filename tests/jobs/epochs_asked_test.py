"""To how many epochs a run may go on."""

import contextlib
import re

import pytest

from base.errors import UserError
from jobs.resume import check_epochs
from tests.helpers.runs import OPTIONS
from training.checkpoint import Checkpoint


def test_the_epochs_of_the_head_are_none_of_those_that_are_asked_for():
    given = {"train": "head_then_all", "model": "mobilenet_v2", "epochs": 2}
    saved = done(5)
    for row in saved.history[:3]:
        row["phase"] = "head"
    check_epochs(OPTIONS.changed(given), OPTIONS.changed(given).to_json(), saved)
    with pytest.raises(UserError, match=r"--epochs=1: the run has done 2 already"):
        check_epochs(OPTIONS.changed(given | {"epochs": 1}), OPTIONS.changed(given).to_json(), saved)


def done(epochs: int, losses=()) -> Checkpoint:
    history = [
        {"epoch": n + 1, "phase": "all", "loss": 1.0, "validation_loss": loss}
        for n, loss in enumerate(losses or [0.1] * epochs)
    ]
    return Checkpoint(epochs, history, {}, {})


@pytest.mark.parametrize(
    ("given", "saved", "words"),
    [
        ({"epochs": 4}, done(3), ""),
        ({"epochs": 3}, done(3), ""),
        ({"epochs": 2}, None, ""),
        ({"epochs": 3}, done(2), ""),
        ({"epochs": 2}, done(3), "--epochs=2: the run has done 3 already; give as many or more"),
        ({"epochs": 9, "schedule": "cosine"}, done(3), "--epochs=9: the run was begun with 4, and its cosine schedule"),
        ({"epochs": 9, "schedule": "one_cycle"}, done(3), "begun with 4, and its one_cycle schedule is spread over"),
        (
            {"epochs": 9, "early_stop_patience": 2},
            done(3, [1.0, 2.0, 3.0]),
            "=2 ended the run after epoch 3, and would",
        ),
        ({"epochs": 9, "early_stop_patience": 2, "schedule": "plateau"}, done(3, [3.0, 2.0, 1.0]), ""),
    ],
)
def test_how_many_epochs_a_run_may_go_on_to(given, saved, words):
    options, old = OPTIONS.changed(given), OPTIONS.changed(given | {"epochs": 4}).to_json()
    with pytest.raises(UserError, match=re.escape(words)) if words else contextlib.nullcontext():
        check_epochs(options, old, saved)
