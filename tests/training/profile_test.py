"""--profile_steps: exactly those steps, the same weights, a closed profile after a stop, and never a failed run."""

import re
import signal
from pathlib import Path

import pytest
import tensorflow as tf
from tensorflow.tsl.profiler.protobuf import xplane_pb2

from base.errors import UserError
from base.signals import Stopped
from tests.end_to_end.resume_test import finish, newest_step, stop_at
from tests.helpers.outcomes import outcome
from tests.helpers.run_fixtures import SMALL_MODEL, finished_run, lively_flags, run_script, shapes_dir
from tests.helpers.watches import Silence
from tests.training.loop_test import EPOCHS, STEPS, Rig
from training.profile import Profiler


def profiled(run_dir: Path, name: str = "train") -> list[list[int]]:
    """The step numbers of the events called `name` of each profile in `run_dir`, oldest profile first."""
    paths = sorted(run_dir.glob("train/plugins/profile/*/*.xplane.pb"))
    return [steps_of(xplane_pb2.XSpace.FromString(path.read_bytes()), name) for path in paths]


def steps_of(space: xplane_pb2.XSpace, name: str) -> list[int]:
    steps = []
    for plane in space.planes:
        for event in (event for line in plane.lines for event in line.events):
            if plane.event_metadata[event.metadata_id].name == name:
                numbers = {plane.stat_metadata[stat.metadata_id].name: stat.int64_value for stat in event.stats}
                assert numbers.get("_r") == (1 if name == "train" else None)
                steps.append(numbers["step_num"])
    return sorted(steps)


@pytest.fixture(autouse=True)
def profiler_is_free():
    """Whatever happened, no profiler may be left running."""
    yield
    with pytest.raises(tf.errors.UnavailableError):
        tf.profiler.experimental.stop(save=False)


@pytest.mark.parametrize("window", [(1, 1), (3, 5), (9, 12), (EPOCHS * STEPS, EPOCHS * STEPS)])
def test_exactly_the_windows_steps_are_recorded(window, tmp_path):
    rig = Rig(tmp_path, window=window)
    take = rig.train_step

    def traced_step(batch, *_):
        with tf.profiler.experimental.Trace("batch", step_num=batch + 1):
            take(batch, *_)

    rig.train_step = traced_step
    rig.run()
    assert rig.steps == list(range(EPOCHS * STEPS))
    expected = [list(range(window[0], window[1] + 1))]
    # What the steps are called, and the batches that they really took.
    assert (profiled(tmp_path), profiled(tmp_path, "batch")) == (expected, expected)
    (line,) = [line for line in rig.said if line.startswith("profile")]
    assert line.startswith(f"profile     steps {window[0]} to {window[1]} in {tmp_path}/train/plugins/profile/")
    assert f"tensorboard --logdir {tmp_path}, tab Profile" in line


def test_nothing_is_recorded_unless_asked(tmp_path, monkeypatch):
    monkeypatch.setattr(tf.profiler.experimental, "start", pytest.fail)
    monkeypatch.setattr(tf.profiler.experimental, "Trace", pytest.fail)
    rig = Rig(tmp_path).run()
    assert (profiled(tmp_path), rig.said) == ([], [])


@pytest.mark.parametrize(("window", "edges"), [(None, []), ((3, 5), [2, 5])])
def test_the_loop_waits_for_the_device_at_both_edges(window, edges, tmp_path, monkeypatch):
    rig, waits = Rig(tmp_path, window=window), []
    read = type(rig.state.sums).__getitem__

    def counted(sums, place):
        if place == 2:
            waits.append(rig.loop.step)
        return read(sums, place)

    monkeypatch.setattr(type(rig.state.sums), "__getitem__", counted)
    rig.run()
    assert waits == [*edges, 10, 20, 30]  # and at the epochs' ends, as ever


def test_a_stop_within_the_window_closes_the_profile(tmp_path):
    rig = Rig(tmp_path, window=(3, 20))
    rig.stop_after = 6  # batches count from 0: the seventh step
    with pytest.raises(Stopped, match="saved after step 7"):
        rig.run()
    assert profiled(tmp_path) == [[3, 4, 5, 6, 7]]
    assert rig.said[-1].startswith("profile     steps 3 to 7 in ")


def test_a_fault_in_the_first_profiled_step_leaves_no_profile(tmp_path):
    rig = Rig(tmp_path, window=(3, 20))
    rig.train_step = lambda step, *_: rig.steps.append(step) if step < 2 else 1 / 0
    with pytest.raises(ZeroDivisionError):
        rig.run()
    assert (profiled(tmp_path), rig.said) == ([], [])


def test_a_resume_past_the_window_says_so_and_profiles_nothing(tmp_path):
    rig = Rig(tmp_path)
    rig.stop_after = 4
    with pytest.raises(Stopped):
        rig.run()
    again = Rig(tmp_path, window=(2, 5)).resume().run()
    assert profiled(tmp_path) == []
    assert again.said == ["profile     not recorded: the run goes on after step 5, past --profile_steps=2,5"]


def test_a_resume_within_the_window_records_the_rest(tmp_path):
    rig = Rig(tmp_path)
    rig.stop_after = 3
    with pytest.raises(Stopped):
        rig.run()
    Rig(tmp_path, window=(2, 5)).resume().run()
    assert profiled(tmp_path) == [[5]]


def test_a_run_that_ends_before_the_window_says_so(tmp_path):
    rig = Rig(tmp_path, epochs=6, patience=1, window=(40, 41))
    rig.validation_losses = iter([1.0, 2.0])
    assert len(rig.run().rows) == 2
    assert rig.said == ["profile     not recorded: the run ended with step 20, before --profile_steps=40,41"]


def test_a_profiler_that_is_taken_costs_a_line_and_nothing_else(tmp_path):
    whole = Rig(tmp_path / "whole").run()
    tf.profiler.experimental.start(str(tmp_path / "other" / "train"))
    rig = Rig(tmp_path / "run", window=(3, 5)).run()
    tf.profiler.experimental.stop()  # still the other's: a failed start must not end it
    assert float(rig.weight) == float(whole.weight)
    assert profiled(tmp_path / "run") == []
    (line,) = rig.said
    assert re.fullmatch(r"profile     warning: none, the profiler failed \(.*Another profiler.*\); the run .*", line)


def test_a_profile_that_cannot_be_written_costs_a_line_and_nothing_else(tmp_path):
    (tmp_path / "train").mkdir()
    (tmp_path / "train" / "plugins").write_text("in the way")
    rig = Rig(tmp_path, window=(3, 5)).run()
    assert rig.steps == list(range(EPOCHS * STEPS))
    (line,) = rig.said
    assert line.startswith("profile     warning: none, the profiler failed (")
    assert "\n" not in line


def test_a_window_past_the_last_step_is_refused(tmp_path):
    Profiler((30, 30), 30, tmp_path, Silence())
    with pytest.raises(UserError, match=r"^--profile_steps=3,31: the last step of this run is 30; give steps from 1"):
        Profiler((3, 31), 30, tmp_path, Silence())


def test_train_refuses_a_window_past_its_last_step(tmp_path):
    run_dir = tmp_path / "run"
    done = run_script("train.py", f"--dataset=folder:{shapes_dir()}", *SMALL_MODEL, "--epochs=2",
                      "--profile_steps=7,9", f"--run_dir={run_dir}")  # fmt: skip
    last = done.stderr.strip().splitlines()[-1]
    assert done.code == 2
    assert last == "error: --profile_steps=7,9: the last step of this run is 8; give steps from 1 to that"
    assert "Traceback" not in done.stderr
    assert "epoch" not in done.stdout
    assert not run_dir.exists()


def test_a_profiled_run_has_the_same_weights(tmp_path):
    log = finish(tmp_path / "run", (*lively_flags("mixed_bfloat16"), "--profile_steps=23,27"))
    assert outcome(tmp_path / "run") == outcome(finished_run())
    assert profiled(tmp_path / "run") == [[23, 24, 25, 26, 27]]
    assert "profile     steps 23 to 27 in " in log
    assert re.search(r"  where a step goes: [\d.]+ ms; of the time in its ops .*Conv2DBackpropFilter\w* \d+%", log)


@pytest.mark.slow
def test_stopped_within_the_window_and_continued_with_another(tmp_path):
    run_dir, arguments = tmp_path / "run", lively_flags("mixed_bfloat16")
    code, stderr = stop_at(6, run_dir, (*arguments, "--profile_steps=4,70"), signal.SIGTERM)
    assert code == 75
    assert "Traceback" not in stderr
    assert profiled(run_dir) == [list(range(4, newest_step(run_dir) + 1))]
    log = finish(run_dir, (*arguments, "--profile_steps=2,3"))
    assert "profile     not recorded: the run goes on after step " in log
    assert len(profiled(run_dir)) == 1
    assert outcome(run_dir) == outcome(finished_run())
