"""A run's report shows where its model looked: at the worst mistakes, and at right answers of the whole split."""

from types import SimpleNamespace

import keras
import numpy as np
import pytest

from jobs.answered import Answered
from jobs.attention import NO_GRID, RIGHT_SHOWN, attention_sections, rows_to_show
from jobs.mistakes import MISTAKES_SHOWN
from models.options import ModelOptions
from models.zoo import build_model
from pipeline.decoding.pixel_format import PixelFormat
from tests.conftest import random_picture
from tests.helpers.runs import run_of
from tests.helpers.watches import Recording

NAMES = ("cats", "dogs", "owls")


def answered_of(count: int, seed: int = 1) -> Answered:
    generator = np.random.default_rng(seed)
    probabilities = generator.dirichlet((1, 1, 1), count).astype(np.float32)
    labels = generator.integers(0, 3, count)
    return Answered(np.arange(count) + 100, labels, probabilities, probabilities.argmax(axis=1))


def test_the_worst_mistakes_and_right_answers_from_all_over_are_shown():
    answered = answered_of(300)
    wrong, right = rows_to_show(answered)
    assert (len(wrong), len(right)) == (MISTAKES_SHOWN, RIGHT_SHOWN)
    assert (answered.answers[wrong] != answered.labels[wrong]).all()
    assert (np.diff(answered.probabilities[wrong].max(axis=1)) <= 0).all()
    all_right = np.flatnonzero(answered.answers == answered.labels)
    assert set(right) <= set(all_right)
    assert (right[0], right[-1]) == (all_right[0], all_right[-1])
    assert np.diff(right).max() < 60


@pytest.mark.parametrize(("labels", "sizes"), [([0, 0], (0, 2)), ([1, 1], (2, 0))])
def test_few_are_enough(labels, sizes):
    probabilities = np.array([[0.9, 0.1], [0.6, 0.4]], np.float32)
    rows = rows_to_show(Answered(np.arange(2), np.array(labels), probabilities, np.array([0, 0])))
    assert tuple(map(len, rows)) == sizes


@pytest.fixture
def run(tmp_path):
    """A run whose pictures of ids 100 and on are 16 bits deep."""
    pictures = {one + 100: random_picture(one, 32, 32, 1, 16) // 16 for one in range(60)}
    manifest = SimpleNamespace(class_names=NAMES, shown_path=lambda one: f"{one}.png")
    pixels = SimpleNamespace(
        pixel_format=PixelFormat.square(32, 1, 16, 4095), read=lambda ids: np.stack([pictures[one] for one in ids])
    )
    return run_of(SimpleNamespace(manifest=manifest, pixels=pixels), tmp_path / "run", watch=Recording())


def model_of() -> keras.Model:
    return build_model(ModelOptions(filters=(4, 8)), 1, 3, (32, 32, 1))


def test_the_section_is_of_the_test_split(run):
    answered = answered_of(60)
    (section,) = attention_sections(run, model_of(), answered)
    (_, mistakes), (_, right) = section.values["groups"]
    wrong, good = rows_to_show(answered)
    assert [one.path for one, _, _ in mistakes] == [f"{row + 100}.png" for row in wrong]
    assert [one.path for one, _, _ in right] == [f"{row + 100}.png" for row in good]
    one = mistakes[0][0]
    assert (one.label, one.prediction) == (NAMES[answered.labels[wrong[0]]], NAMES[answered.answers[wrong[0]]])
    assert one.probability == answered.probabilities[wrong[0]].max()
    assert (one.image.shape, one.map.shape) == ((32, 32, 3), (32, 32))
    assert np.ptp(one.image) > 100  # in the scale that the model sees
    assert max(np.ptp(one.map) for one, _, _ in mistakes) > 0.5
    assert section.values["place"] == "the 16 x 16 places of layer 'last_relu'"
    assert run.watch.lines == []


def test_the_answer_that_was_given_is_explained_and_not_the_likeliest(run):
    answered = answered_of(60)
    others = Answered(answered.example_ids, answered.labels, answered.probabilities, (answered.answers + 1) % 3)
    model = model_of()

    def maps(asked):
        (section,) = attention_sections(run, model, asked)
        return {one.path: one for _, group in section.values["groups"] for one, _, _ in group}

    one, other = maps(answered), maps(others)
    both = one.keys() & other.keys()
    assert len(both) > 3
    assert all(one[path].prediction != other[path].prediction for path in both)
    assert all(one[path].probability > other[path].probability for path in both)
    assert max(np.abs(one[path].map - other[path].map).max() for path in both) > 0.1


def test_a_model_without_a_grid_is_told_on_one_line(run):
    image = keras.Input((32, 32, 1))
    model = keras.Model(image, keras.layers.Dense(3)(keras.layers.Flatten()(image)))
    assert attention_sections(run, model, answered_of(60)) == []
    assert run.watch.lines == [f"attention   {NO_GRID}"]


def test_without_a_test_split_there_is_nothing_to_show(run):
    assert attention_sections(run, None, answered_of(60).rows(np.zeros(0, int))) == []
    assert run.watch.lines == []
