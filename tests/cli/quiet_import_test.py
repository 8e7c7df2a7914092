"""A TensorFlow that cannot be loaded is one line and its fix; what ends the process there does not end it mute."""

import os
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import pytest

from base.errors import UserError
from cli import quiet_import
from cli.quiet_import import import_tensorflow
from tests.helpers.run_fixtures import ROOT, write_shapes

BROKEN_TENSORFLOW = """
raise ImportError("Traceback:\\n  File x\\nImportError: libx.so: no memory\\n\\nFailed to load the runtime.\\nSee y.")
"""


def test_no_room_for_temporary_files(monkeypatch, tmp_path):
    monkeypatch.setattr(tempfile, "tempdir", None)
    monkeypatch.setattr(tempfile, "_candidate_tempdir_list", lambda: [str(tmp_path / "none")])
    with pytest.raises(UserError, match=r"^No usable temporary directory found in .*/none'\]: free .* set TMPDIR"):
        import_tensorflow()


def test_a_tensorflow_that_cannot_be_loaded(monkeypatch, tmp_path):
    (tmp_path / "tensorflow.py").write_text(BROKEN_TENSORFLOW)
    monkeypatch.delitem(sys.modules, "tensorflow", raising=False)
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(UserError, match=r"^TensorFlow cannot be loaded \(ImportError: libx\.so: no memory\): allow "):
        import_tensorflow()
    monkeypatch.setitem(sys.modules, "tensorflow", None)
    with pytest.raises(UserError, match=r"cannot be loaded \(import of tensorflow halted; None in sys\."):
        import_tensorflow()


SAYS = "import os, signal, sys, time; os.write(2, b'the last word\\n')\n"
ENDED = "\nerror: the process ended while it loaded TensorFlow; what it said until then stands above, if anything\n"

# Waits where train.py goes on once TensorFlow is loaded.
WAITS = """
class Wait:
    def find_spec(name, path=None, target=None):
        if name == "jobs.train":
            open("ready", "w").close()
            time.sleep(60)
sys.meta_path.insert(0, Wait)
"""


def start(script: str, tensorflow: str, folder: Path, *arguments: str) -> subprocess.Popen:
    """A script's own process, with another TensorFlow."""
    (folder / "tensorflow.py").write_text(SAYS + tensorflow)
    environment = os.environ | {"PYTHONPATH": str(folder)}
    return subprocess.Popen([sys.executable, str(ROOT / script), *arguments], cwd=folder, env=environment,
                            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)  # fmt: skip


def has_a_last_word(error: str) -> bool:
    """Whether all was said; between the two lines Python may say where an abort came."""
    return error.startswith("the last word\n") and error.endswith(ENDED) and error.count(ENDED) == 1


@pytest.fixture
def train(tmp_path):
    """train.py with another TensorFlow, as far as its import."""
    write_shapes(tmp_path / "pictures", {"disk": 2, "square": 2})
    arguments = "--dataset=folder:pictures", "--cache_dir=cache"
    return lambda tensorflow, *more: start("train.py", tensorflow, tmp_path, *arguments, *more)


@pytest.mark.parametrize(
    ("tensorflow", "code"),
    [
        ("os.abort()", -signal.SIGABRT),
        ("os.kill(os.getpid(), signal.SIGKILL)", -signal.SIGKILL),
        ("os.kill(os.getpid(), signal.SIGSEGV)", -signal.SIGSEGV),
        ("os._exit(1)", 1),
        ("import ctypes; ctypes.CDLL(None).exit(3)", 3),
    ],
)
@pytest.mark.parametrize("run_dir", [(), ("--run_dir=there/mine",)])
def test_what_ends_the_process_leaves_its_last_word_and_no_folder(tensorflow, code, run_dir, train, tmp_path):
    run = train(tensorflow, *run_dir)
    said = run.communicate(timeout=60)
    assert run.returncode == code
    assert said[0] == ""
    assert has_a_last_word(said[1])
    assert sorted({"runs", "there"} & set(os.listdir(tmp_path))) == []


def test_folders_of_the_user_stay_where_they_are(train, tmp_path):
    (tmp_path / "runs").mkdir()
    (tmp_path / "mine").mkdir()
    (tmp_path / "begun").mkdir()
    (tmp_path / "begun" / "options.json").write_text("{}")
    for run_dir in ("", "--run_dir=mine", "--run_dir=begun"):
        train("os.abort()", *filter(None, [run_dir])).communicate(timeout=60)
    assert os.listdir(tmp_path / "runs") == os.listdir(tmp_path / "mine") == []
    assert sorted(os.listdir(tmp_path / "begun")) == [".lock", "options.json"]


@pytest.mark.parametrize("run_dir", [(), ("--run_dir=there/mine",)])
def test_a_process_that_dies_later_leaves_no_folder_without_a_run(run_dir, train, tmp_path):
    run = train(WAITS, *run_dir)
    while not (tmp_path / "ready").exists():
        time.sleep(0.02)
    assert {"runs", "there"} & set(os.listdir(tmp_path))
    run.kill()
    assert run.communicate(timeout=60) == ("", "")
    while {"runs", "there"} & set(os.listdir(tmp_path)):  # the other process is not awaited by anybody
        time.sleep(0.02)


@pytest.mark.parametrize("script", ["predict.py", "evaluate.py", "prepare.py"])
def test_every_script_has_a_last_word(script, tmp_path):
    write_shapes(tmp_path / "pictures", {"disk": 2, "square": 2})
    arguments = {"predict.py": ["--run=x", "y"], "evaluate.py": ["--run=x"],
                 "prepare.py": ["--dataset=folder:pictures", "--out_dir=out", "--cache_dir=cache"]}  # fmt: skip
    run = start(script, "os.abort()", tmp_path, *arguments[script])
    assert has_a_last_word(run.communicate(timeout=60)[1])


@pytest.mark.parametrize(
    ("tensorflow", "code", "words"),
    [("sys.exit(4)", 4, "the last word\n"), ("1 / 0", 1, "the last word\nTraceback")],
)
def test_what_python_ends_says_it_too(tensorflow, code, words, tmp_path):
    run = start("predict.py", tensorflow, tmp_path, "--run=x", "y")
    error = run.communicate(timeout=60)[1]
    assert run.returncode == code
    assert error.startswith(words)
    assert ENDED not in error


@pytest.mark.parametrize(("script", "code"), [("predict.py", 130), ("train.py", 75)])
def test_a_ctrl_c_is_no_death(script, code, train, tmp_path):
    ready = "open('ready', 'w').close(); time.sleep(60)"
    run = train(ready) if script == "train.py" else start(script, ready, tmp_path, "--run=x", "y")
    while not (tmp_path / "ready").exists():
        time.sleep(0.02)
    run.send_signal(signal.SIGINT)
    error = run.communicate(timeout=60)[1]
    assert (run.returncode, error.count("\n")) == (code, 1)
    assert "nothing half-written is left" in error
    assert not (tmp_path / "runs").exists()


def refused(*_, **__):
    raise OSError(12, "Cannot allocate memory")


@pytest.mark.parametrize(
    ("where", "name", "value"),
    [(quiet_import.os, "getpid", lambda: 1), (quiet_import.subprocess, "Popen", refused)],
    ids=["the first process of a container", "no process more"],
)
def test_nothing_is_kept_back_where_nobody_could_say_it_later(where, name, value, monkeypatch, tmp_path, capfd):
    (tmp_path / "tensorflow.py").write_text(SAYS)
    monkeypatch.delitem(sys.modules, "tensorflow", raising=False)
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr(where, name, value)
    import_tensorflow()
    assert capfd.readouterr().err == "the last word\n"


@pytest.fixture
def started(monkeypatch, tmp_path):
    """The processes that the import of another TensorFlow, in this one, starts."""
    (tmp_path / "tensorflow.py").write_text(SAYS)
    monkeypatch.delitem(sys.modules, "tensorflow", raising=False)
    monkeypatch.syspath_prepend(tmp_path)
    started, real = [], subprocess.Popen
    monkeypatch.setattr(subprocess, "Popen", lambda *given, **told: started.append(real(*given, **told)) or started[-1])
    return started


def test_where_all_goes_well_nothing_is_said_and_nobody_is_left(started, capfd):
    import_tensorflow()
    assert capfd.readouterr().err == ""
    assert [process.returncode for process in started] == [0]


def test_once_a_run_is_there_nobody_waits_for_its_end(started, tmp_path):
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / ".lock").touch()
    keep = import_tensorflow((tmp_path / "run" / ".lock", tmp_path / "run"))
    assert started[0].poll() is None
    keep()
    keep()
    assert [process.returncode for process in started] == [0]
    assert (tmp_path / "run" / ".lock").exists()
