"""Where the output goes to a full disk, or to a reader that has had enough: a run goes on, a result ends in a line."""

import os
import subprocess
import sys

import pytest

from tests.run_fixtures import ROOT

# As users have it: unbuffered, nothing would be left to be written at the end.
BUFFERED = {name: value for name, value in os.environ.items() if name != "PYTHONUNBUFFERED"}
# Says a line, and says it three times more when its standard input ends.
SPEAKER = """
import sys, commandline
from reports.progress import Reporter
def speak(values, arguments):
    say = commandline.put if sys.argv[1] == "put" else Reporter().say
    say(sys.argv[2])
    sys.stdin.read()
    for _ in range(3):
        say(sys.argv[2])
commandline._guard(speak, [])
"""


def test_a_log_on_a_full_disk_leaves_the_exit_code():
    with open("/dev/full", "w") as full:
        command = [sys.executable, str(ROOT / "train.py"), "--dataset=realsens"]
        assert subprocess.run(command, env=BUFFERED, check=False, stdout=full, stderr=full).returncode == 2


@pytest.mark.parametrize(("how", "code"), [("put", 141), ("say", 0)])
@pytest.mark.parametrize("length", [10, 100_000])  # above what a pipe holds, and Python's buffer
def test_a_reader_that_goes_away_ends_a_result_and_no_run(how, code, length):
    command = [sys.executable, "-c", SPEAKER, how, "x" * length]
    with subprocess.Popen(command, env=BUFFERED, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE, text=True) as process:  # fmt: skip
        assert process.stdout.readline() == "x" * length + "\n"
        process.stdout.close()
        process.stdin.close()
        assert (process.wait(), process.stderr.read()) == (code, "")


@pytest.mark.parametrize(("how", "code", "lines"), [("put", 2, 1), ("say", 0, 0)])
def test_a_full_disk_ends_a_result_and_no_run(how, code, lines):
    with open("/dev/full", "w") as full:
        command = [sys.executable, "-c", SPEAKER, how, "x"]
        done = subprocess.run(command, env=BUFFERED, cwd=ROOT, stdin=subprocess.DEVNULL, stdout=full,
                              stderr=subprocess.PIPE, text=True, check=False)  # fmt: skip
    assert (done.returncode, done.stderr.count("\n")) == (code, lines)
    assert lines == 0 or "cannot be written to standard output (No space left on device): send it" in done.stderr
