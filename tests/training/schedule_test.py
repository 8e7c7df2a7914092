"""The learning rate at each update: each shape from its source's formula, with and without a warm-up."""

import math
import re
from types import SimpleNamespace

import keras
import numpy as np
import pytest

from base.errors import UserError
from training.options import TrainingOptions
from training.schedule import learning_rate_at, plateau_scale, schedule_words

STEPS = 20  # an epoch


def options_of(**given) -> TrainingOptions:
    return TrainingOptions(**({"epochs": 5, "learning_rate": 0.5} | given))


def rates(options: TrainingOptions) -> list[float]:
    return [learning_rate_at(options, STEPS, step) for step in range(options.epochs * STEPS)]


def half_cosine(parts) -> np.ndarray:
    """From 1 to 0."""
    return 0.5 * (1 + np.cos(np.pi * np.asarray(parts)))


def test_a_constant_rate_is_constant():
    assert set(rates(options_of())) == {0.5}


@pytest.mark.parametrize("floor", [0.0, 0.1])
def test_cosine_falls_from_the_rate_to_its_floor_over_the_run(floor):
    options = options_of(schedule="cosine", final_rate_fraction=floor)
    expected = 0.5 * (floor + (1 - floor) * half_cosine(np.arange(100) / 100))
    np.testing.assert_allclose(rates(options), expected, atol=1e-6)
    for step in (100, 170):
        assert learning_rate_at(options, STEPS, step) == pytest.approx(0.5 * floor, abs=1e-7)


def test_cosine_warms_up_and_then_falls():
    found = rates(options_of(schedule="cosine", warmup_epochs=1.5))
    np.testing.assert_allclose(found[:30], 0.5 * np.arange(1, 31) / 31, atol=1e-6)
    np.testing.assert_allclose(found[30:], 0.5 * half_cosine(np.arange(70) / 70), atol=1e-6)


@pytest.mark.parametrize("warmup_epochs", [0.05, 0.15, 0.5, 2.0, 7.0])
@pytest.mark.parametrize("schedule", ["constant", "cosine", "step", "plateau"])
def test_a_warm_up_climbs_evenly_to_the_top(schedule, warmup_epochs):
    options = options_of(warmup_epochs=warmup_epochs, schedule=schedule)
    climb = math.ceil(warmup_epochs * STEPS)
    found = rates(options)[:climb]
    np.testing.assert_allclose(found, 0.5 * np.arange(1, len(found) + 1) / (climb + 1), rtol=1e-6)
    assert learning_rate_at(options, STEPS, climb) == 0.5


def test_step_multiplies_every_so_many_epochs():
    found = rates(options_of(schedule="step", step_epochs=1.5, decay_factor=0.5))
    np.testing.assert_allclose(found, 0.5 * 0.5 ** (np.arange(100) // 30), rtol=1e-6)
    bounded = rates(options_of(schedule="step", step_epochs=1.0, decay_factor=0.1, final_rate_fraction=0.05))
    np.testing.assert_allclose(bounded, np.repeat([0.5, 0.05, 0.025, 0.025, 0.025], STEPS), rtol=1e-6)


@pytest.mark.parametrize(("given", "climb"), [({}, 30), ({"warmup_epochs": 2.0}, 40)])
def test_one_cycle_climbs_from_a_twenty_fifth_and_falls(given, climb):
    found = rates(options_of(schedule="one_cycle", **given))
    start = 0.5 / 25
    np.testing.assert_allclose(found[:climb], 0.5 - (0.5 - start) * half_cosine(np.arange(climb) / climb), atol=1e-6)
    np.testing.assert_allclose(found[climb:], 0.5 * half_cosine(np.arange(100 - climb) / (100 - climb)), atol=1e-6)
    assert found[0] == pytest.approx(start)
    assert max(found) == found[climb] == 0.5


def history_of(losses, validated=True) -> list[dict]:
    # The other loss falls all the time: looking at the wrong one never lowers the rate.
    return [
        {"loss": 9.0 - n, "validation_loss": loss} if validated else {"loss": loss, "validation_loss": None}
        for n, loss in enumerate(losses)
    ]


@pytest.mark.parametrize("patience", [1, 2, 3])
@pytest.mark.parametrize("validated", [True, False])
def test_plateau_is_keras_own(patience, validated):
    losses = np.random.default_rng(4).choice([3.0, 2.9, 2.5, 2.49995, 2.0, 1.9], 30).tolist()
    options = options_of(schedule="plateau", plateau_patience=patience, decay_factor=0.5, final_rate_fraction=0.01)
    callback = keras.callbacks.ReduceLROnPlateau("loss", factor=0.5, patience=patience, min_lr=0.005)
    optimizer = SimpleNamespace(learning_rate=0.5)
    callback.set_model(SimpleNamespace(optimizer=optimizer))
    callback.on_train_begin()
    found, expected = [], []
    for epoch, loss in enumerate(losses):
        callback.on_epoch_end(epoch, {"loss": loss})
        expected.append(float(optimizer.learning_rate))
        found.append(0.5 * plateau_scale(options, history_of(losses, validated)[: epoch + 1]))
    np.testing.assert_allclose(found, expected, rtol=1e-6)
    assert len(set(found)) > 3


def test_only_plateau_looks_at_the_history():
    flat = history_of([1.0] * 9)
    assert plateau_scale(options_of(schedule="cosine"), flat) == 1.0
    options = options_of(schedule="plateau", plateau_patience=3, warmup_epochs=1.0)
    assert learning_rate_at(options, STEPS, 50, flat[:3]) == 0.5
    assert learning_rate_at(options, STEPS, 50, flat[:4]) == pytest.approx(0.05)
    assert learning_rate_at(options, STEPS, 9, flat[:4]) == pytest.approx(0.05 * 10 / 21)


def test_which_schedules_depend_on_the_number_of_epochs():
    for schedule in ("constant", "step", "plateau", "cosine", "one_cycle"):
        short, long = (options_of(schedule=schedule, epochs=epochs) for epochs in (5, 6))
        assert (rates(short) == rates(long)[:100]) == (short.schedule_epochs == 0), schedule
        assert short.schedule_epochs in (0, 5)


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"step_epochs": 3.0}, "--step_epochs=3.0: with --schedule=constant it does nothing; leave it out, or give "
                               "--schedule=step"),
        ({"decay_factor": 0.5, "schedule": "cosine"}, "--decay_factor=0.5: with --schedule=cosine it does nothing"),
        ({"plateau_patience": 2, "schedule": "step"}, "--plateau_patience=2: with --schedule=step it does nothing"),
        ({"final_rate_fraction": 0.1}, "--schedule=cosine or step or one_cycle or plateau"),
    ],
)  # fmt: skip
def test_what_a_schedule_has_no_use_for_is_refused(given, words):
    with pytest.raises(UserError, match=re.escape(words)):
        options_of(**given)


def test_a_schedule_in_words():
    words = [schedule_words(options_of(schedule=name)) for name in ("constant", "cosine", "step", "one_cycle")]
    assert words == ["0.5", "cosine from 0.5 to 0 over 5 epochs", "0.5 times 0.1 every 10 epochs",
                     "one cycle up to 0.5 and down to 0 over 5 epochs"]  # fmt: skip
    assert schedule_words(options_of(schedule="plateau", warmup_epochs=0.5)) == (
        "0.5 times 0.1 whenever the loss has not fallen for 10 epochs, warm-up 0.5 epochs"
    )
