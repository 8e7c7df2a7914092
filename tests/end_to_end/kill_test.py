"""Killed at named points, wherever the disk or the state is between two truths, a run ends in the same bits."""

import concurrent.futures

import numpy as np
import pytest

from base import kill_points
from tests.helpers.kill_runs import KilledRun, few_shapes_dir, undisturbed
from tests.helpers.outcomes import outcome
from training.checkpoint import restore

PRECISIONS = ("mixed_bfloat16", "mixed_float16")
KILLS = 25


def drawn_faults(precision: str) -> list[str]:
    """Half of all points each, once, and more of them drawn, in the order of a run's life; each at one of its first
    three visits, or at the first where an epoch has one or two.

    So each start goes a little further than the one before, and few of them pay for an export and a report.
    """
    generator = np.random.default_rng(PRECISIONS.index(precision))
    _, visits = undisturbed(precision)
    points = [*kill_points.POINTS[PRECISIONS.index(precision) :: 2]]
    points += generator.choice(kill_points.POINTS, -(-KILLS // 2) - len(points)).tolist()
    points.sort(key=kill_points.POINTS.index)
    return [f"{point}:{generator.integers(1, 4) if visits[point] >= 10 else 1}" for point in points]


def no_dropout_state(parts, arrays) -> None:
    """training.checkpoint.restore, but for the states of dropout."""
    kept = [np.asarray(variable) if "mask" in variable.path else array
            for variable, array in zip(parts["model"], arrays["model"], strict=True)]  # fmt: skip
    restore(parts, arrays | {"model": kept})


def kill_again_and_again(precision, folder) -> int:
    """How often a run of this precision was killed before it came to its end."""
    whole, _ = undisturbed(precision)
    folder.mkdir()
    run, kills = KilledRun(folder / "0", precision), 0
    for fault in drawn_faults(precision):
        if not run.kill_at(fault):
            # It ended before it came there, as it had begun late.
            assert outcome(run.run_dir) == whole, fault
            run = KilledRun(folder / str(kills), precision)
            assert run.kill_at(fault), fault
        kills += 1
    assert run.finish() == whole
    return kills


def test_killed_at_every_kind_of_point(tmp_path):
    few_shapes_dir()  # before two threads ask for it
    with concurrent.futures.ThreadPoolExecutor() as pool:
        chains = [pool.submit(kill_again_and_again, precision, tmp_path / precision) for precision in PRECISIONS]
        assert sum(chain.result() for chain in chains) >= KILLS


def test_the_run_that_is_killed_has_everything_in_play():
    best_is_last = []
    for precision in PRECISIONS:
        whole, visits = undisturbed(precision)
        epochs, best = whole["results"]["epochs"], whole["results"]["best_epoch"]
        assert epochs < 12  # early stopping
        best_is_last.append(best == epochs)
        assert set(visits) == set(kill_points.POINTS)
    assert not all(best_is_last)  # which of them it is depends on how a processor rounds


def test_two_precisions_differ_so_equal_outcomes_mean_something():
    one, other = (undisturbed(precision)[0] for precision in PRECISIONS)
    assert one["results"]["weights_sha256"] != other["results"]["weights_sha256"]
    assert one["history"] != other["history"]


def test_the_proof_can_fail_without_the_state_of_dropout(tmp_path):
    whole, _ = undisturbed("mixed_bfloat16")
    run = KilledRun(tmp_path / "run", "mixed_bfloat16")
    assert run.kill_at("step.updated:12")
    broken = ("training.loop", "restore", "tests.end_to_end.kill_test:no_dropout_state")
    assert run.start(more_replaced=[broken]) == 0, run.log.read_text()
    assert run.finish()["results"]["weights_sha256"] != whole["results"]["weights_sha256"]


@pytest.mark.slow
@pytest.mark.parametrize("precision", PRECISIONS)
@pytest.mark.parametrize("point", kill_points.POINTS)
def test_first_middle_and_last_visit_of_each_point(point, precision, tmp_path):
    whole, visits = undisturbed(precision)
    for visit in sorted({1, (visits[point] + 1) // 2, visits[point]}):
        run = KilledRun(tmp_path / str(visit), precision)
        assert run.kill_at(f"{point}:{visit}")
        assert run.finish() == whole, visit


@pytest.mark.slow
@pytest.mark.parametrize("point", ["step.begin", "step.updated"])
def test_every_step(point, tmp_path):
    whole, visits = undisturbed("mixed_bfloat16")
    assert visits[point] >= 20
    for step in range(1, visits[point] + 1):
        run = KilledRun(tmp_path / str(step), "mixed_bfloat16")
        assert run.kill_at(f"{point}:{step}")
        assert run.finish() == whole, step
