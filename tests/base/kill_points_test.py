"""A point that is armed kills at the visit that was named; nothing is armed by itself, and a bad value is refused."""

import os
import signal
import subprocess
import sys

import pytest

from base import kill_points
from tests.helpers.run_fixtures import ROOT

VISITS = """
import sys
from base import kill_points
if sys.argv[1:]:
    kill_points.arm(sys.argv[1])
for n in (1, 2, 3):
    kill_points.reach("step.begin"), kill_points.reach("step.updated"), print(n, flush=True)
"""


def visit(*value: str) -> tuple[int, str]:
    """(exit code, what is printed) of three visits to two points, of which one is armed."""
    environment = os.environ | {kill_points.VARIABLE: "step.begin:1"}  # which no import reads
    done = subprocess.run([sys.executable, "-c", VISITS, *value], cwd=ROOT, env=environment, capture_output=True,
                          text=True, check=False)  # fmt: skip
    return done.returncode, done.stdout


def test_the_n_th_visit_kills_and_no_other():
    assert visit("step.begin:3") == (-signal.SIGKILL, "1\n2\n")
    assert visit("step.updated:1") == (-signal.SIGKILL, "")


def test_nothing_is_armed_by_itself():
    assert visit() == visit("") == (0, "1\n2\n3\n")


@pytest.mark.parametrize("value", ["nowhere:1", "step.begin:0", "step.begin", "step.begin:x", ":1"])
def test_a_point_that_is_not_there_is_refused_by_every_script(value):
    environment = os.environ | {kill_points.VARIABLE: value}
    done = subprocess.run([sys.executable, str(ROOT / "predict.py")], env=environment, capture_output=True, text=True,
                          check=False)  # fmt: skip
    assert (done.returncode, done.stderr.count("\n")) == (2, 1)
    assert done.stderr.startswith(f"error: {kill_points.VARIABLE}={value}: it must be point:n")
