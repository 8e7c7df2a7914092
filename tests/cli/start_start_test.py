"""A machine on which the scripts cannot even begin: each fault is one line, and its fix."""

import os
import signal
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from cli import start

SCRIPTS = pytest.mark.parametrize("script", ["train", "prepare", "evaluate", "predict"])
BROKEN_TENSORFLOW = """
raise ImportError("Traceback:\\n  File x\\nImportError: libx.so: no memory\\n\\nFailed to load the runtime.\\nSee y.")
"""


def begin(script: str, *options: str, **environment: str) -> subprocess.CompletedProcess:
    """A script's own process, with options for Python, to its end."""
    path = Path(start.__file__).with_name(f"{script}.py")
    command = [sys.executable, *options, str(path)]
    return subprocess.run(command, env=os.environ | environment, check=False, capture_output=True, text=True)


@SCRIPTS
def test_a_python_without_our_packages(script):
    done = begin(script, "-S")  # without site-packages
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
    code = "import signal, commandline; now = signal.getsignal(2); print(now is signal.default_int_handler)"
    for before, after in (("", "True\n"), ("import signal; signal.signal(2, signal.SIG_IGN); ", "False\n")):
        command = [sys.executable, "-c", before + code]
        root = Path(start.__file__).parent
        done = subprocess.run(command, cwd=root, check=True, capture_output=True, text=True)
        assert done.stdout == after


def test_what_is_no_ctrl_c_keeps_its_traceback(tmp_path):
    (tmp_path / "absl.py").write_text("raise ZeroDivisionError('ours')")
    done = begin("predict", PYTHONPATH=str(tmp_path))
    assert done.returncode == 1
    assert done.stderr.startswith("Traceback")
    assert done.stderr.endswith("ZeroDivisionError: ours\n")


def start(capsys) -> str:
    """The line with which the import of TensorFlow ends."""
    with pytest.raises(SystemExit) as caught:
        start._guard(lambda *_: start.import_tensorflow(), [])
    line = capsys.readouterr().err
    assert (caught.value.code, line.count("\n")) == (2, 1)
    return line


def test_no_room_for_temporary_files(monkeypatch, tmp_path, capsys):
    monkeypatch.setattr(tempfile, "tempdir", None)
    monkeypatch.setattr(tempfile, "_candidate_tempdir_list", lambda: [str(tmp_path / "none")])
    line = start(capsys)
    assert line.startswith(f"error: No usable temporary directory found in ['{tmp_path}/none']: free some room there, ")
    assert "set TMPDIR" in line


def test_a_tensorflow_that_cannot_be_loaded(monkeypatch, tmp_path, capsys):
    (tmp_path / "tensorflow.py").write_text(BROKEN_TENSORFLOW)
    monkeypatch.delitem(sys.modules, "tensorflow", raising=False)
    monkeypatch.syspath_prepend(tmp_path)
    assert start(capsys).startswith("error: TensorFlow cannot be loaded (ImportError: libx.so: no memory): allow more ")
    monkeypatch.setitem(sys.modules, "tensorflow", None)
    assert start(capsys).startswith("error: TensorFlow cannot be loaded (import of tensorflow halted; None in sys.")
