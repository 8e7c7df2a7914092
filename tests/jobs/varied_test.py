"""The options that tell runs apart: the usual ones always, others where they are turned on, no places, plain values."""

import pytest

from jobs.options import resolve
from jobs.varied import ALWAYS, varied_options
from tests.helpers.other_values import OTHER_VALUES, beside


def test_the_usual_ones_are_always_there_and_first():
    found = varied_options(resolve("folder:here", {"schedule": "constant", "augment": "none"}), {})
    assert [*found][: len(ALWAYS)] == [*ALWAYS]
    assert (found["model"], found["weights"], found["image_size"], found["seed"]) == ("residual_small", "none", "96", 1)


def test_what_was_chosen_stands_for_what_was_left_open():
    options = resolve("folder:here", {"global_batch_size": 0, "resize": "auto"})
    found = varied_options(options, {"global_batch_size": 32, "resize": "crop", "precision": "float32"})
    assert found["global_batch_size"] == 32
    assert "resize" not in found  # nobody asked for it
    asked = varied_options(resolve("folder:here", {"global_batch_size": 64}), {"global_batch_size": 40})
    assert asked["global_batch_size"] == 64


@pytest.mark.parametrize("name", ["rotate_degrees", "mixup_alpha", "fold", "dropout", "filters", "split_fractions"])
def test_what_is_turned_on_is_there_and_what_is_off_is_not(name):
    given = {name: OTHER_VALUES[name]} | beside(name) | {"augment": "none"}
    value = varied_options(resolve("folder:here", {"model": "catdog_1"} | given), {})[name]
    expected = OTHER_VALUES[name]
    assert value == (",".join(map(str, expected)) if isinstance(expected, tuple) else expected)
    assert name not in varied_options(resolve("folder:here", {"model": "catdog_1", "augment": "none"}), {})


@pytest.mark.parametrize("name", ["dataset", "data_dir", "labels_csv", "threads", "cache", "checkpoint_every_steps"])
def test_places_and_what_changes_no_bit_are_not_there(name):
    assert name not in varied_options(resolve("folder:here", {name: OTHER_VALUES[name]} | beside(name)), {})


def test_places_are_shown_by_their_name():
    found = varied_options(resolve("folder:here", {"weights": "/some/where/run-3"}), {})
    assert found["weights"] == "run-3"


def test_every_value_is_plain_and_few_are_there():
    found = varied_options(resolve("catdog", {}), {})
    assert {type(value) for value in found.values()} <= {bool, int, float, str}
    assert len(found) < 25
