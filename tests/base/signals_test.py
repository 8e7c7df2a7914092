"""The first signal asks, the second stops at once, and the handlers are put back."""

import os
import signal
import subprocess
import sys
import threading
import time

import pytest

from base.signals import ECHO_SECONDS, EXIT_STOPPED, GOES_ON, Stopped, listen
from base.watch import Watch
from tests.helpers.run_fixtures import ROOT

TWICE = """
import os, signal, sys, time
from base.signals import listen
with listen() as stop:
    os.kill(os.getpid(), signal.SIGINT)
    print(stop.signal_name, flush=True)
    time.sleep(float(sys.argv[1]))
    os.kill(os.getpid(), signal.SIGTERM)
    time.sleep(float(sys.argv[2]))
print("went on")
"""


@pytest.fixture(autouse=True)
def no_nohup():
    """Under nohup the tests would inherit that SIGHUP is ignored."""
    before = signal.signal(signal.SIGHUP, signal.SIG_DFL)
    yield
    signal.signal(signal.SIGHUP, before)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_a_signal_is_a_request(number):
    before = signal.getsignal(number)
    with listen() as stop:
        assert stop.signal_name == ""
        os.kill(os.getpid(), number)
        assert stop.signal_name == number.name
    assert signal.getsignal(number) is before


def test_the_handlers_are_put_back_after_an_error():
    before = signal.getsignal(signal.SIGTERM)

    def fail():
        with listen():
            raise KeyError

    with pytest.raises(KeyError):
        fail()
    assert signal.getsignal(signal.SIGTERM) is before


def test_a_second_signal_stops_at_once_and_says_so():
    done = twice(ECHO_SECONDS + 0.3, 30)
    assert (done.returncode, done.stdout) == (EXIT_STOPPED, "SIGINT\n")
    assert done.stderr == f"SIGINT: stopped at once; nothing half-written is left; {GOES_ON}\n"


def test_a_signal_that_is_sent_to_the_process_and_to_its_group_is_one():
    """As timeout(1) sends it, and who passes on a Ctrl-C: the step would be lost, without a word."""
    done = twice(0.05, 0.3)
    assert (done.returncode, done.stdout, done.stderr) == (0, "SIGINT\nwent on\n", "")


def twice(*seconds: float) -> subprocess.CompletedProcess:
    """Of a process that sends itself two signals: so long between them, and so long after them."""
    command = [sys.executable, "-c", TWICE, *map(str, seconds)]
    return subprocess.run(command, check=False, capture_output=True, text=True, cwd=ROOT, timeout=60)


def test_a_terminal_hangs_up_twice_and_asks_once():
    with listen() as stop:
        for number in (signal.SIGTERM, signal.SIGHUP, signal.SIGHUP):
            os.kill(os.getpid(), number)
        assert stop.signal_name == "SIGTERM"


def test_under_nohup_a_run_goes_on():
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    with listen() as stop:
        os.kill(os.getpid(), signal.SIGHUP)
        assert stop.signal_name == ""
    assert signal.getsignal(signal.SIGHUP) == signal.SIG_IGN


def test_before_there_is_anything_to_save_a_signal_stops_at_once():
    reached = []

    def work():
        with listen(at_once=True) as stop:
            os.kill(os.getpid(), signal.SIGTERM)
            reached.append(stop)

    with pytest.raises(Stopped, match=r"^SIGTERM: stopped at once; nothing half-written is left$"):
        work()
    assert reached == []


def test_a_library_that_the_signal_comes_into_makes_no_fault_of_it():
    def library():
        try:
            os.kill(os.getpid(), signal.SIGTERM)
        except Exception as error:
            raise TypeError("unsupported callable") from error

    with listen(at_once=True), pytest.raises(Stopped, match=r"^SIGTERM: stopped at once"):
        library()


BLOCKED = """
import ctypes, os, signal, sys, threading
from base.signals import listen
libc, mutex = ctypes.CDLL(None), ctypes.create_string_buffer(64)
with listen(at_once=sys.argv[1] == "at once") as stop:
    stop.say = lambda line: print(line, flush=True)
    threading.Timer(0.2, lambda: os.kill(os.getpid(), signal.SIGTERM)).start()
    libc.pthread_mutex_lock(mutex)
    libc.pthread_mutex_lock(mutex)  # for ever, and no signal ends it: as Python waits for a step of TensorFlow's
"""


def blocked(mode: str) -> subprocess.Popen:
    return subprocess.Popen(
        [sys.executable, "-c", BLOCKED, mode], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=ROOT
    )


def test_where_nothing_is_to_be_saved_a_signal_is_heard_whatever_python_waits_for():
    with blocked("at once") as process:
        said, error = process.communicate(timeout=60)
    assert (process.returncode, said) == (EXIT_STOPPED, "")
    assert error == f"SIGTERM: stopped at once; nothing half-written is left; {GOES_ON}\n"


@pytest.mark.parametrize("second", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_is_told_while_a_step_runs_and_a_second_one_ends_it(second):
    with blocked("save") as process:
        assert process.stdout.readline().startswith(
            "SIGTERM: stopping once what is running is done and saved; a second"
        )
        assert process.poll() is None
        time.sleep(ECHO_SECONDS)
        process.send_signal(second)
        assert process.wait(timeout=60) == EXIT_STOPPED


LOST = """
import os, signal, threading
from base import signals
signals.TIDY_SECONDS = 0.2
class Closing:
    def __del__(self):
        os.kill(os.getpid(), signal.SIGTERM)
with signals.listen(at_once=True):
    Closing()
    threading.Event().wait()
"""


def test_a_stop_that_comes_to_nothing_in_a_library_ends_the_process_all_the_same():
    done = subprocess.run(
        [sys.executable, "-c", LOST], check=False, capture_output=True, text=True, cwd=ROOT, timeout=60
    )
    assert done.returncode == EXIT_STOPPED
    assert done.stderr.endswith(f"\nSIGTERM: stopped at once; nothing half-written is left; {GOES_ON}\n")


def test_once_all_is_saved_a_signal_stops_at_once_and_one_that_came_before_does_too():
    with listen() as stop:
        watch = Watch(stop)
        os.kill(os.getpid(), signal.SIGTERM)
        with pytest.raises(Stopped, match=r"^SIGTERM: stopped after the last step$"):
            watch.nothing_to_save("after the last step")

    def work():
        with listen() as stop:
            Watch(stop).nothing_to_save("after the last step")
            os.kill(os.getpid(), signal.SIGTERM)
            pytest.fail("the work went on")

    with pytest.raises(Stopped, match=r"^SIGTERM: stopped at once"):
        work()


def test_what_listens_to_signals_ends_with_the_block():
    before = signal.set_wakeup_fd(-1)
    signal.set_wakeup_fd(before)
    with listen():
        assert "signals" in {thread.name for thread in threading.enumerate()}
    assert "signals" not in {thread.name for thread in threading.enumerate()}
    assert signal.set_wakeup_fd(before) == before


def test_once_there_is_something_to_save_a_signal_waits_to_be_asked_for():
    with listen(at_once=True) as stop:
        Watch(stop).save_first()
        os.kill(os.getpid(), signal.SIGTERM)
        assert stop.signal_name == "SIGTERM"
