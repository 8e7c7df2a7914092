"""Where the output goes to a full disk, or to a reader that has had enough: a run goes on, a result ends in a line."""

import os
import pty
import subprocess
import sys

import pytest

from tests.helpers.run_fixtures import ROOT

# As users have it: unbuffered, nothing would be left to be written at the end.
BUFFERED = {name: value for name, value in os.environ.items() if name != "PYTHONUNBUFFERED"}
# Says a line, and says it three times more when its standard input ends.
SPEAKER = """
import sys
from pathlib import Path
from cli import guard, streams
from reports.progress import Terminal
def speak(values, arguments):
    how, line = arguments
    say = streams.put if how == "put" else Terminal().say
    say(line)
    sys.stdin.read()
    for _ in range(3):
        say(line)
guard.run(Path("speak.py"), lambda values: None, speak)
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


# Shows a bar that moves, until and after its standard input ends.
BAR = """
import sys
from pathlib import Path
from cli import guard
from reports import progress
progress._REFRESH_SECONDS = 0
def train(values, arguments):
    terminal = progress.Terminal()
    terminal.progress(1, 9, "training")
    sys.stdin.read()
    for done in range(2, 9):
        terminal.progress(done, 9, "epoch 1/1", "9 images/s")
        terminal.say("a line")
    terminal.close()
    terminal.progress(1, 9, "again")
    terminal.close()
guard.run(Path("speak.py"), lambda values: None, train)
"""


def test_a_terminal_that_was_closed_costs_no_run():
    ours, theirs = pty.openpty()
    with subprocess.Popen([sys.executable, "-c", BAR], cwd=ROOT, stdin=subprocess.PIPE, stdout=theirs,
                          stderr=subprocess.PIPE, text=True, env=BUFFERED | {"TERM": "xterm"}) as process:  # fmt: skip
        os.close(theirs)
        shown = b""
        while b"training" not in shown:
            shown += os.read(ours, 1000)
        os.close(ours)
        process.stdin.close()
        assert (process.stderr.read(), process.wait()) == ("", 0)


@pytest.mark.parametrize("how", ["put", "say"])
def test_what_the_terminal_cannot_show_is_escaped(how):
    command = [sys.executable, "-c", SPEAKER, how, b"caf\xe9 \xe6\x97\xa5"]
    done = subprocess.run(command, env=BUFFERED | {"PYTHONIOENCODING": "latin-1"}, cwd=ROOT, check=False,
                          stdin=subprocess.DEVNULL, capture_output=True)  # fmt: skip
    assert (done.returncode, done.stderr) == (0, b"")
    assert done.stdout == b"caf\\udce9 \\u65e5\n" * 4


# Exits with the number of the next file that is opened, if all three streams can be used.
NEXT = """
import os, sys
from pathlib import Path
from cli import guard
def work(values, arguments):
    print("line", flush=True), print("line", file=sys.stderr), os.read(0, 1), os.write(1, b"x"), os.write(2, b"x")
    sys.exit(os.open(os.devnull, os.O_RDONLY))
guard.run(Path("speak.py"), lambda values: None, work)
"""


@pytest.mark.parametrize("closed", ["<&-", ">&-", "2>&-", ">&- 2>&-", "<&- >&- 2>&-"])
def test_a_stream_that_is_closed_is_no_file_of_ours(closed):
    command = ["sh", "-c", f'exec "$0" -c "$1" {closed}', sys.executable, NEXT]
    done = subprocess.run(command, env=BUFFERED, cwd=ROOT, stdin=subprocess.DEVNULL, capture_output=True, check=False)
    assert done.returncode > 2, done.stderr
    assert b"Traceback" not in done.stderr
