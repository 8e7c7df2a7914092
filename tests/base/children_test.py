"""A child hears the signals of its parent, ends with its own code, and does not outlive its parent."""

import os
import signal
import subprocess
import sys
import time

import pytest

from base.children import run_child
from base.signals import StopRequest
from tests.helpers.run_fixtures import ROOT

# Says that it is there, and then what it hears.
LISTENER = """
import os, signal, sys, time
signal.signal(signal.SIGTERM, lambda number, frame: sys.exit(75))
open(sys.argv[1], "w").close()
time.sleep(60)
"""
# A parent with a child that follows it and says its number.
PARENT = """
import sys
from base.children import run_child
from base.signals import StopRequest
code = '''
import os, time
from base import parent
parent.follow(os.environ.pop(parent.VARIABLE, ""))
print(os.getpid(), parent.VARIABLE in os.environ, flush=True)
time.sleep(60)
'''
run_child([sys.executable, "-c", code], StopRequest())
"""


class HeardOnce(StopRequest):
    """Has heard a SIGTERM once the file is there."""

    def __init__(self, path):
        super().__init__()
        self.path = path

    @property
    def signal_name(self) -> str:
        return "SIGTERM" if self.path.exists() else ""

    @signal_name.setter
    def signal_name(self, _value) -> None:
        pass


@pytest.mark.parametrize("code", [0, 2, 75])
def test_the_code_is_the_childs(code):
    assert run_child([sys.executable, "-c", f"raise SystemExit({code})"], StopRequest()) == code


def test_a_signal_that_ended_it_is_told():
    killed = "import os; os.kill(os.getpid(), 9)"
    assert run_child([sys.executable, "-c", killed], StopRequest()) == -signal.SIGKILL


def test_what_was_heard_is_passed_on_and_the_child_ends_in_its_own_way(tmp_path):
    path = tmp_path / "ready"
    assert run_child([sys.executable, "-c", LISTENER, str(path)], HeardOnce(path)) == 75


def test_a_child_goes_with_its_parent():
    with subprocess.Popen([sys.executable, "-c", PARENT], cwd=ROOT, stdout=subprocess.PIPE, text=True) as parent:
        number, still_told = parent.stdout.readline().split()
        parent.kill()
    for _ in range(200):
        if not is_alive(int(number)):
            break
        time.sleep(0.05)
    assert not is_alive(int(number))
    assert still_told == "False"  # its own children have their own parent


def is_alive(number: int) -> bool:
    try:
        os.kill(number, 0)
    except ProcessLookupError:
        return False
    with open(f"/proc/{number}/stat") as file:
        return file.read().rpartition(")")[2].split()[0] != "Z"
