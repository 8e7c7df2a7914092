"""How many epochs fit into some minutes, and which number a run keeps."""

import itertools
import time

import numpy as np
import pytest

from base.errors import UserError
from base.signals import Stopped
from jobs import duration
from jobs.duration import Timing, epochs_within, process_seconds, recorded_epochs, time_predictions, time_steps
from jobs.options import resolve
from tests.helpers.watches import Recording

TIMING = Timing(step=0.1, first_steps=4.0, predict=0.05, first_predict=2.0)


@pytest.fixture
def clock(monkeypatch):
    """A clock that only the test moves."""
    now = [0.0]
    monkeypatch.setattr(duration.time, "perf_counter", lambda: now[0])

    def pass_by(seconds):
        now[0] += seconds

    return pass_by


def test_what_start_and_end_leave_is_filled_with_epochs():
    # An epoch takes 1.05 * (100 * 0.1 + 20 * 0.05) = 11.55 s; the ends 30 + 4 + 60 * 0.05 + 3 * 2 + 15 = 58 s.
    for minutes, epochs in ((10.0, 46), ((58 + 11.56) / 60, 1), ((58 + 23.09) / 60, 1), ((58 + 23.11) / 60, 2)):
        found, words = epochs_within(minutes, 30.0, TIMING, steps=100, validated=20, scored=60)
        assert found == epochs
        assert words.startswith(
            f"{epochs} epochs in {minutes:g} minutes: about 11.6 s each, of 100 steps of 100 ms, and 58"
        )


def test_where_not_one_epoch_fits_the_minutes_that_would_are_named():
    with pytest.raises(
        UserError, match=r"--train_minutes=1: start, one epoch and the end take about 1\.2 minutes here"
    ):
        epochs_within(1.0, 30.0, TIMING, steps=100, validated=20, scored=60)


def test_a_short_epoch_does_not_come_to_more_than_there_may_be():
    fast = Timing(1e-9, 0.0, 0.0, 0.0)
    assert epochs_within(1e4, 0.0, fast, steps=1, validated=0, scored=0)[0] == 100_000


def test_steps_are_timed_without_those_that_trace(clock):
    taken = []

    def step(batch, number):
        taken.append((batch, number))
        clock(30.0 if number < 3 else 0.5)

    seconds, first = time_steps(iter(range(10**6)), step, lambda: clock(0.25), 3, Recording())
    assert [batch for batch, _ in taken] == [number for _, number in taken] == list(range(len(taken)))
    assert first == 90.25
    assert seconds == pytest.approx(0.5 + 0.25 / duration.STEPS_AT_ONCE)
    assert len(taken) == 3 + duration.UNTIMED_STEPS + 12  # until five seconds have passed


@pytest.mark.parametrize(("seconds", "count"), [(60.0, duration.STEPS_AT_ONCE), (1e-6, duration.MOST_STEPS)])
def test_slow_steps_are_few_and_quick_ones_not_too_many(seconds, count, clock):
    taken = []
    time_steps(itertools.count(), lambda *_: (taken.append(1), clock(seconds)), lambda: None, 1, Recording())
    assert len(taken) == 1 + duration.UNTIMED_STEPS + count


def test_timing_stops_when_it_is_asked_to():
    watch = Recording()
    watch._stop.signal_name = "SIGTERM"
    with pytest.raises(Stopped, match=r"SIGTERM: stopped while steps were timed"):
        time_steps(itertools.count(), lambda *_: None, lambda: None, 1, watch)


def test_predictions_are_timed_without_the_first(clock):
    seen = []

    def predict(image):
        seen.append(image)
        clock(9.0 if len(seen) == 1 else 1.0)
        return np.zeros(1)

    assert time_predictions(predict, [{"image": n} for n in range(20)]) == (1.0, 9.0)
    assert seen == list(range(6))
    assert time_predictions(predict, [{"image": 0}]) == (1.0, 1.0)


def test_a_run_keeps_the_number_that_it_began_with():
    options = resolve("folder:here", {"train_minutes": 5.0})
    assert options.training.epochs == 100_000  # as many as there may be, until it is known
    assert recorded_epochs(options, {}) == options
    begun = options.changed({"epochs": 17}).to_json()
    assert recorded_epochs(options, begun).training.epochs == 17
    plain = resolve("folder:here", {"epochs": 3})
    assert recorded_epochs(plain, begun) == plain


@pytest.mark.parametrize(
    ("before", "words"),
    [
        ({"train_minutes": 4.0}, "--train_minutes=5: the run was begun with --train_minutes=4 and has 17 epochs: give"),
        ({}, r"--train_minutes=5: the run was begun with --epochs and has 17 epochs: give --epochs=17, or more"),
    ],
)
def test_another_duration_than_the_runs_is_refused(before, words):
    old = resolve("folder:here", before).changed({"epochs": 17}).to_json()
    with pytest.raises(UserError, match=words):
        recorded_epochs(resolve("folder:here", {"train_minutes": 5.0}), old)


def test_a_process_knows_how_old_it_is():
    first = process_seconds()
    time.sleep(0.05)
    assert 0 < first < process_seconds() < 24 * 3600
