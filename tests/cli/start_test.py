"""A machine on which the scripts cannot even begin: each fault is one line, and its fix."""

import os
import signal
import subprocess
import sys

import pytest

from base import allocator
from tests.helpers.run_fixtures import ROOT

SCRIPTS = pytest.mark.parametrize("script", ["train", "prepare", "evaluate", "predict", "compare"])


def begin(script: str, *arguments: str, python: tuple[str, ...] = (), **environment: str):
    """A script's own process, with options for Python, to its end."""
    command = [sys.executable, *python, str(ROOT / f"{script}.py"), *arguments]
    return subprocess.run(command, env=os.environ | environment, check=False, capture_output=True, text=True)


@SCRIPTS
def test_a_python_without_our_packages(script):
    done = begin(script, python=("-S",))  # without site-packages
    assert (done.returncode, done.stderr.count("\n")) == (2, 1)
    assert done.stderr.startswith(
        f"error: absl is not installed for {sys.executable}: run make setup and use .venv/bin"
    )
    assert "pip install -r requirements.txt" in done.stderr


@SCRIPTS
def test_ctrl_c_while_modules_are_loaded_is_no_traceback(script, tmp_path):
    (tmp_path / "absl.py").write_text("raise KeyboardInterrupt")
    done = begin(script, PYTHONPATH=str(tmp_path))
    assert (done.returncode, done.stderr) == (-signal.SIGINT, "interrupted; nothing half-written is left\n")


def test_a_ctrl_c_that_a_module_would_swallow_ends_the_process(tmp_path):
    swallow = "import os\ntry:\n    os.kill(os.getpid(), 2)\nexcept KeyboardInterrupt:\n    raise ImportError('n')\n"
    (tmp_path / "absl.py").write_text(swallow)
    done = begin("predict", PYTHONPATH=str(tmp_path))
    assert (done.returncode, done.stderr) == (-signal.SIGINT, "")


def test_ctrl_c_is_python_s_own_again_once_modules_are_loaded():
    code = "import signal; from cli import guard, start; guard.run = lambda *_: print(repr(signal.getsignal(2))); "
    for before, after in (("", "default_int_handler"), ("signal.signal(2, signal.SIG_IGN); ", "SIG_IGN")):
        command = [sys.executable, "-c", f"{code}{before}start.run('predict')"]
        done = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True)
        assert after in done.stdout


@pytest.mark.skipif(not allocator.has_glibc(), reason="this C library is not glibc")
def test_freed_memory_is_kept_before_anything_is_loaded():
    code = (
        "import sys; from base import allocator; from cli import start; start._load = lambda name: "
        "sys.exit(allocator.description() + ' ' + str('numpy' in sys.modules)); start.run('predict')"
    )
    plain = {name: value for name, value in os.environ.items() if name not in allocator.DECIDE}
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, env=plain, check=False, capture_output=True, text=True
    )
    assert done.stderr == "glibc's, keeping what is freed False\n"


def test_what_is_no_ctrl_c_keeps_its_traceback(tmp_path):
    (tmp_path / "absl.py").write_text("raise ZeroDivisionError('ours')")
    done = begin("predict", PYTHONPATH=str(tmp_path))
    assert done.returncode == 1
    assert done.stderr.startswith("Traceback")
    assert done.stderr.endswith("ZeroDivisionError: ours\n")


IMPORTS = """
import os, signal, sys
import importlib, pathlib, cv2, tensorflow  # which set variables of their own
before = os.environ.copy(), sys.excepthook, signal.getsignal(signal.SIGINT), signal.getsignal(signal.SIGTERM)
for path in sorted(pathlib.Path().glob("**/*.py")):
    if path.parts[0] not in ("tests", "benchmarks") and not path.parts[0].startswith("."):
        importlib.import_module(".".join(path.with_suffix("").parts))
after = os.environ.copy(), sys.excepthook, signal.getsignal(signal.SIGINT), signal.getsignal(signal.SIGTERM)
assert before == after
"""


def test_an_import_changes_nothing():
    subprocess.run([sys.executable, "-c", IMPORTS], cwd=ROOT, check=True, capture_output=True)
