"""Phases: what learns when, each with its own schedule and early stopping; the loop across the boundary of two."""

import pytest

from base.errors import UserError
from base.signals import Stopped
from tests.helpers.run_fixtures import read_rows
from tests.helpers.watches import Recording
from tests.training.history_test import row
from tests.training.loop_test import STEPS, Rig
from training.health import NumbersError
from training.options import HEAD_EPOCHS, HEAD_LEARNING_RATE, TrainingOptions
from training.phases import ALL, HEAD, Phase, keeps_statistics, phases_of
from training.profile import Profiler

HEAD_ROWS, ALL_ROWS = 3, 2


def shown(phases) -> list[tuple]:
    return [(phase.name, phase.options.epochs, phase.options.learning_rate, phase.epochs_after) for phase in phases]


@pytest.mark.parametrize(
    ("given", "is_pretrained", "expected"),
    [
        ({}, False, [(ALL, 7, 0.01, 0)]),
        ({}, True, [(HEAD, HEAD_EPOCHS, HEAD_LEARNING_RATE, 7), (ALL, 7, 0.01, 0)]),
        ({"train": "all"}, True, [(ALL, 7, 0.01, 0)]),
        ({"train": "head"}, False, [(HEAD, 7, 0.01, 0)]),
        ({"train": "head_then_all", "head_epochs": 4, "head_learning_rate": 0.5}, False,
         [(HEAD, 4, 0.5, 7), (ALL, 7, 0.01, 0)]),
    ],
)  # fmt: skip
def test_what_learns_when(given, is_pretrained, expected):
    options = TrainingOptions(epochs=7, learning_rate=0.01, **given)
    assert shown(phases_of(options, is_pretrained)) == expected


def test_a_phase_is_over_by_its_own_rows():
    options = TrainingOptions(train="head_then_all", head_epochs=3, epochs=2, early_stop_patience=2)
    head, fine = phases_of(options, True)
    rising = [row(epoch, 0.5, float(epoch)) | {"phase": HEAD} for epoch in (1, 2, 3)]
    assert [head.is_over(rising[:count]) for count in range(4)] == [False, False, False, True]
    assert not fine.is_over(rising)  # which the losses of the head would have stopped
    after = [*rising, row(4, 0.5, 9.0)]
    assert not fine.is_over(after)
    assert fine.is_over([*after, row(5, 0.5, 9.0)])
    assert head.is_over(after)


@pytest.mark.parametrize(
    ("given", "is_pretrained", "keeps"),
    [("auto", True, True), ("auto", False, False), ("frozen", True, True), ("train", True, False)],
)
def test_batchnorm_keeps_pretrained_statistics(given, is_pretrained, keeps):
    assert keeps_statistics(TrainingOptions(backbone_batchnorm=given), is_pretrained) is keeps


def rigs(run_dir, **given) -> tuple[Rig, Rig]:
    """Two loops of one run: of its head, and of all."""
    profiler = Profiler(
        given.pop("window", None), (HEAD_ROWS + ALL_ROWS) * STEPS, run_dir / "train", watch := Recording()
    )
    found = (Rig(run_dir, HEAD_ROWS, phase=HEAD, epochs_after=ALL_ROWS, profiler=profiler, **given),
             Rig(run_dir, ALL_ROWS, phase=ALL, profiler=profiler, **given))  # fmt: skip
    for rig in found:
        rig.profiler_watch = watch
    return found


def follow(head: Rig, fine: Rig) -> Rig:
    fine.loop.follow(head.loop)
    fine.weight.assign(head.weight)
    return fine.run()


def test_steps_and_epochs_are_counted_over_both(tmp_path):
    head, fine = rigs(tmp_path)
    follow(head.run(), fine)
    assert fine.steps == list(range(HEAD_ROWS * STEPS, (HEAD_ROWS + ALL_ROWS) * STEPS))
    rows = read_rows(tmp_path / "history.csv")
    assert [(int(line["epoch"]), line["phase"]) for line in rows] == [
        (1, "head"), (2, "head"), (3, "head"), (4, "all"), (5, "all")
    ]  # fmt: skip
    said = [line for line in head.watch.lines + fine.watch.lines if line.startswith("epoch")]
    assert [line.split("  loss")[0] for line in said] == ["epoch 1/5  head", "epoch 2/5  head", "epoch 3/5  head",
                                                          "epoch 4/5", "epoch 5/5"]  # fmt: skip
    assert (fine.loop.first_step, fine.loop.last_step) == (30, 50)
    assert fine.watch.steps[0] == (30, 50, "epoch 4/5")


def test_a_phase_that_begins_takes_the_model_alone_out_of_the_checkpoint(tmp_path):
    head, fine = rigs(tmp_path)
    head.state.optimizer.variables[0].assign(7.0)
    head.run()
    begun = rigs(tmp_path)[1].resume()
    assert float(begun.weight) == float(head.weight) != 0
    assert float(begun.state.optimizer.variables[0]) == 0.0
    assert (begun.loop.step, len(begun.loop.history)) == (HEAD_ROWS * STEPS, HEAD_ROWS)
    # Within a phase everything comes back.
    fine.state.optimizer.variables[0].assign(3.0)
    fine.stop_after = HEAD_ROWS * STEPS + 4
    with pytest.raises(Stopped):
        follow(head, fine)
    begun = rigs(tmp_path)[1].resume()
    assert (float(begun.weight), float(begun.state.optimizer.variables[0])) == (float(fine.weight), 3.0)
    assert begun.run().steps == list(range(HEAD_ROWS * STEPS + 5, (HEAD_ROWS + ALL_ROWS) * STEPS))


def test_stopped_before_the_first_step_of_a_phase_it_begins_again(tmp_path):
    head, fine = rigs(tmp_path)
    head.run()
    fine.watch.signal_name = "SIGTERM"
    fine.state.optimizer.variables[0].assign(3.0)
    with pytest.raises(Stopped):
        follow(head, fine)
    begun = rigs(tmp_path)[1].resume()
    assert (float(begun.weight), float(begun.state.optimizer.variables[0])) == (float(head.weight), 0.0)


def test_early_stopping_ends_a_phase_and_the_next_one_has_all_its_epochs(tmp_path):
    head, fine = rigs(tmp_path, patience=1)
    head.validation_losses = iter([1.0, 2.0])
    fine.validation_losses = iter([5.0, 4.0])  # above those of the head, and falling
    follow(head.run(), fine)
    assert [(line["epoch"], line["phase"]) for line in fine.loop.history] == [
        (1, HEAD), (2, HEAD), (3, ALL), (4, ALL)
    ]  # fmt: skip
    assert fine.watch.lines[-1].startswith("epoch 4/4  loss")


def test_the_best_epoch_may_be_the_heads(tmp_path):
    head, fine = rigs(tmp_path)
    head.validation_losses, fine.validation_losses = iter([3.0, 1.0, 2.0]), iter([2.0, 2.0])
    follow(head.run(), fine)
    assert 20 in fine.kept()


def test_numbers_gone_bad_are_named_by_the_runs_step(tmp_path):
    head, fine = rigs(tmp_path)
    fine.diverges_at = HEAD_ROWS * STEPS + 3
    with pytest.raises(NumbersError, match=r"in step 34$") as caught:
        follow(head.run(), fine)
    # Updates are the phase's, as its schedule counts them.
    assert (caught.value.trouble.updates, len(caught.value.history)) == (3, HEAD_ROWS)


@pytest.mark.parametrize("window", [(32, 33), (2, 3)])
def test_a_profile_in_either_phase_is_recorded_and_nothing_is_said_of_the_other(window, tmp_path):
    head, fine = rigs(tmp_path, window=window)
    follow(head.run(), fine)
    (line,) = [line for line in fine.profiler_watch.lines if line.startswith("profile")]
    assert line.startswith(f"profile     steps {window[0]} to {window[1]} in ")


def test_a_profile_that_early_stopping_left_out_is_said_in_the_end(tmp_path):
    head, fine = rigs(tmp_path, window=(45, 46), patience=1)
    head.validation_losses, fine.validation_losses = iter([1.0, 2.0]), iter([1.0, 2.0])
    follow(head.run(), fine)
    (line,) = [line for line in fine.profiler_watch.lines if line.startswith("profile")]
    assert line == "profile     not recorded: the run ended with step 40, before --profile_steps=45,46"


def test_a_phase_has_its_options(tmp_path):
    assert Phase(HEAD, TrainingOptions(epochs=2)).rows([{"phase": ALL}]) == []
    with pytest.raises(UserError, match="--head_epochs=0: it must be from 1"):
        TrainingOptions(head_epochs=0)
