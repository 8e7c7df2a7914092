"""Models are timed in turns, by the median; a clock of the test's own stands for the machine's."""

import itertools

import pytest

from jobs.timing import BATCHES, ROUNDS, milliseconds_a_picture


class Machine:
    """A clock that models move on, and a list of what was called."""

    def __init__(self):
        self.now, self.called = 0.0, []

    def model(self, name, seconds):
        times = itertools.cycle(seconds) if isinstance(seconds, list) else itertools.repeat(seconds)

        def call(contents):
            self.called.append((name, contents))
            self.now += next(times) * len(contents)

        return call


def test_each_model_has_its_own_time_a_picture():
    machine = Machine()
    models = [machine.model("a", 0.01), machine.model("b", 0.003)]
    found = milliseconds_a_picture(models, [b"x", b"y", b"z"], lambda: machine.now)
    assert [one.keys() for one in found] == [set(BATCHES)] * 2
    for one, expected in zip(found, (10, 3), strict=True):
        assert one == {batch: pytest.approx(expected) for batch in BATCHES}


def test_models_take_turns_on_all_pictures_in_batches_of_both_sizes():
    machine = Machine()
    milliseconds_a_picture([machine.model("a", 1.0), machine.model("b", 1.0)], [b"x", b"y"], lambda: machine.now)
    names = [name for name, _ in machine.called]
    assert names[:4] == ["a", "a", "b", "b"]  # the first calls, which are not counted
    assert names[4:] == ["a", "b"] * (len(BATCHES) * ROUNDS)
    assert {len(contents) for _, contents in machine.called} == set(BATCHES)
    assert {content for _, contents in machine.called for content in contents} == {b"x", b"y"}


def test_a_first_call_and_a_slow_moment_do_not_count():
    machine = Machine()
    slow_at_first = [50.0, 50.0] + [1.0] * 3 + [70.0] + [1.0] * 100
    (found,) = milliseconds_a_picture([machine.model("a", slow_at_first)], [b"x"], lambda: machine.now)
    assert found == {batch: pytest.approx(1000) for batch in BATCHES}
