"""How memory is given in the benchmarks: who settles it, and what the line about it makes of its figures."""

import io
import json
import subprocess
import sys
import types

import pytest

from base import allocator
from benchmarks import processes, worker
from benchmarks.lines import allocator as line
from benchmarks.settings import Settings
from tests.helpers.run_fixtures import ROOT

_STARTS = """
import sys
from base import allocator
from benchmarks import worker
from benchmarks.gpu import worker as gpu_worker
from benchmarks.programs import allocator_steps, epoch_ends, index_growth, input_wait

def settle():
    raise KeyError("tensorflow is loaded" if "tensorflow" in sys.modules else "in time")

allocator.keep_freed_memory = settle
for start, arguments in [
    (worker.main, ("penstock_pack", "", "", 0.1)), (gpu_worker.main, ("describe", {})),
    (epoch_ends.install, (None,)), (index_growth.main, ("", "")), (input_wait.main, ("catdog", "", "", 1, 1)),
    (allocator_steps.main, ("kept", "", "", 1)),
]:
    try:
        start(*arguments)
    except KeyError as error:
        print(error.args[0])
"""
ENDED = {  # by way, a figure a round: CPU seconds, page faults, bytes
    "kept": [(0.5, 100, 1.0e9), (0.6, 200, 1.1e9), (0.5, 100, 1.0e9)],
    "returned": [(0.6, 50_000, 1.0e9), (0.9, 40_000, 1.0e9), (0.55, 50_000, 1.0e9)],
}


def test_who_runs_penstock_in_his_own_process_keeps_freed_memory_before_tensorflow_is_there():
    done = subprocess.run([sys.executable, "-c", _STARTS], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.splitlines() == ["in time"] * 6


def test_the_rivals_have_what_their_users_have(monkeypatch):
    monkeypatch.setitem(sys.modules, "benchmarks.rivals.somebody", types.SimpleNamespace(turn=lambda *_: float))
    monkeypatch.setattr(allocator, "keep_freed_memory", lambda: pytest.fail("it was called"))
    monkeypatch.setattr(sys, "stdin", io.StringIO())
    worker.main("somebody", "", "", 0.1)


def test_a_figure_is_of_kept_over_returned_and_of_one_round(tmp_path, monkeypatch):
    left = {way: iter(figures) for way, figures in ENDED.items()}

    def run(command):
        cpu_seconds, page_faults, peak_bytes = next(left[command[3]])
        facts = {"cpu_seconds": cpu_seconds, "page_faults": page_faults}
        return processes.Finished(1.0, peak_bytes, json.dumps(facts))

    monkeypatch.setattr(processes, "run", run)
    monkeypatch.setattr(allocator, "decided_by", lambda: "")
    cpu, faults, memory = line.measure(Settings(tmp_path, tmp_path, rounds=3))
    assert cpu["judged"] == pytest.approx([1.2, 1.1, 1.5])
    assert cpu["reached"] is True
    assert faults["penstock"] == [100, 100, 200]
    assert faults["reached"] is None
    assert memory["judged"] == pytest.approx([1.0, 1.0, 1.1])
    assert (memory["target"], memory["reached"]) == (1.05, True)


def test_where_the_environment_decides_there_is_nothing_to_measure(tmp_path, monkeypatch):
    monkeypatch.setenv("MALLOC_ARENA_MAX", "16")
    with pytest.raises(SystemExit, match="MALLOC_ARENA_MAX=16"):
        line.measure(Settings(tmp_path, tmp_path))
