"""What waits until the first step is on its way, and what is made once for all who need it."""

from types import SimpleNamespace

import numpy as np
import pytest

from jobs import epochs
from jobs import run as run_module
from tests.helpers.runs import run_of


@pytest.fixture
def made(tmp_path, monkeypatch):
    """(a run whose splits have 3, 2 and no examples, the ids of each split that was made into batches)."""
    ids = {"train": np.arange(3), "validation": np.arange(3, 5), "test": np.arange(0)}
    data, made = SimpleNamespace(splits=SimpleNamespace(ids=ids), manifest=SimpleNamespace(labels=np.zeros(5))), []

    def note(_data, example_ids, _batch_size):
        made.append(example_ids.tolist())
        return object()

    monkeypatch.setattr(run_module, "split_batches", note)
    return run_of(data, tmp_path), made


def test_what_follows_the_first_step_comes_once_and_before_the_second():
    seen = []
    step = epochs._after_the_first(lambda *batch: seen.append(batch), lambda: seen.append("then"))
    step("batch 1", True)
    step("batch 2", False)
    assert seen == [("batch 1", True), "then", ("batch 2", False)]


def test_a_failing_first_step_is_followed_by_nothing():
    seen = []
    step = epochs._after_the_first(lambda: 1 / 0, lambda: seen.append("then"))
    with pytest.raises(ZeroDivisionError):
        step()
    assert seen == []


@pytest.mark.parametrize(
    ("step", "history", "first_step", "written"),
    [
        (0, 0, 0, ["options 0", "phase 0", "samples", "augmented"]),
        (9, 1, 0, ["options 1"]),
        (9, 1, 9, ["options 1", "phase 1"]),
        (4, 0, 0, []),
        (13, 1, 9, []),
    ],
)
def test_a_run_is_described_where_it_and_its_phases_begin_and_where_it_goes_on_with_an_epoch(
    step, history, first_step, written, monkeypatch
):
    seen = []
    monkeypatch.setattr(epochs, "draw_pages", lambda sheet: sheet)
    monkeypatch.setattr(epochs, "write_options", lambda _run, epochs_done: seen.append(f"options {epochs_done}"))
    monkeypatch.setattr(epochs, "phase_words", lambda _run, _loop: "words")
    summaries = SimpleNamespace(
        pictures=lambda _split, tag, _pages: seen.append(tag),
        text=lambda _split, tag, epoch, words: seen.append(f"{tag} {epoch}"),
    )
    run = SimpleNamespace(order=SimpleNamespace(steps_per_epoch=9), summaries=summaries, phases=("head", "all"))
    loop = SimpleNamespace(step=step, history=[{}] * history, first_step=first_step)
    epochs._describe(run, loop, ("one sheet", "another"))
    assert seen == written
    seen.clear()
    run.phases = ("all",)
    epochs._describe(run, loop, ("one sheet", None))
    assert seen == [words for words in written if not words.startswith(("phase", "augmented"))]


def test_the_batches_of_a_split_are_made_when_they_are_needed_and_once(made):
    run, ids = made
    epochs._make_validation(run, SimpleNamespace(input_shape=(None, 4)))
    assert ids == []
    assert run.split_batches("validation") is run.split_batches("validation")
    run.split_batches("train")
    assert ids == [[3, 4], [0, 1, 2]]
