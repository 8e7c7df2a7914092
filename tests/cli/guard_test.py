"""A table of what users get wrong: exit code 2, one line that names the value and the fix, and nothing left behind."""

import errno
import functools
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import pipeline.data
from base import durable
from cli import guard, train
from tests.helpers.run_fixtures import (
    BROKEN,
    ROOT,
    call_script,
    finished_run,
    lively_flags,
    run_script,
    session_dir,
    write_shapes,
)

TENSORFLOW_SAYS = re.compile(r"[EW]\d{4} \d\d:\d\d:\d\d")
SMALL = ["--model=catdog_1", "--filters=4,8", "--image_size=16"]


@functools.cache
def trees() -> Path:
    """Folders of pictures of which most cannot be trained on."""
    root = session_dir() / "trees"
    write_shapes(root / "good", {"disk": 6, "square": 6})
    write_shapes(root / "one", {"disk": 3})
    write_shapes(root / "few", {"disk": 1, "square": 1, "stripes": 0})
    write_shapes(root / "hollow", {"disk": 3, "square": 0})
    write_shapes(root / "half", {"train/disk": 2, "train/square": 2, "surplus/disk": 1})
    for name in ("disk", "square"):
        (root / "unreadable" / name).mkdir(parents=True)
        (root / "unreadable" / name / "a.jpg").write_bytes(BROKEN)
    (root / "none").mkdir()
    (root / "file").write_text("not a folder")
    return root


@pytest.fixture
def call(threads_as_they_are, monkeypatch, capfd, tmp_path):
    """Runs train.py in this process, from an empty folder."""
    monkeypatch.chdir(tmp_path)
    return lambda *arguments: call_script(train, list(arguments), monkeypatch, capfd)


def check(done, words):
    # TensorFlow's C++ may have said something of its own on the way; it cannot be told not to.
    (line,) = [line for line in done.stderr.splitlines() if not TENSORFLOW_SAYS.match(line)]
    assert done.code == 2
    assert line.startswith("error: ")
    assert "Traceback" not in done.stdout
    for word in words:
        assert word in line


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--dataset=realsens"], ["unknown dataset 'realsens'", "did you mean 'realsense'", "folder:PATH"]),
        (["--dataset=folder:"], ["--dataset=folder:", "folder:pictures"]),
        (["--dataset=tfds:"], ["--dataset=tfds:", "tfds:cats_vs_dogs"]),
        (["--dataset=catdog", "--model=catdog2"], ["unknown --model 'catdog2'", "did you mean 'catdog_2'"]),
        (["--dataset=catdog", "--model=net.py"], ["--model=net.py: name the function in it, as --model=net.py:build"]),
        (["--dataset=catdog", "--epoch=3"], ["--epoch: it is called --epochs here: --epochs=3"]),
        (["--dataset=catdog", "--epochs=three"], ["--epochs=three: it must be a whole number from 1 to 100000"]),
        (["--dataset=catdog", "--epochs=3\n4"], ["--epochs=3 4"]),
        (["--dataset=catdog", "--epochs=0"], ["--epochs=0", "from 1 to"]),
        (["--dataset=catdog", "--learning_rate=fast"], ["--learning_rate=fast: it must be a number from 1e-09 to 10"]),
        (["--dataset=catdog", "--full_train=maybe"], ["--full_train=maybe: it must be true or false"]),
        (["--dataset=catdog", "--precision=mixed_float61"], ["'mixed_float61'", "did you mean 'mixed_float16'"]),
        (["--dataset=catdog", "--augment=storng"], ["'storng'", "did you mean 'strong'"]),
        (["--dataset=catdog", "--resume=maybe"], ["unknown --resume 'maybe'", "auto, must, never"]),
        (["--dataset=catdog", "--split_fractions=0.5,0.5,0.5"], ["0.5,0.5,0.5", "as in 0.6,0.2,0.2"]),
        (["--dataset=catdog", "--split_fractions=most,some"], ["most,some", "three fractions"]),
        (["--dataset=catdog", "--flagfile={trees}/nowhere.txt"], ["nowhere.txt cannot be read: No such file or"]),
        (["--epochs=3"], ["--dataset is missing", "realsense, catdog, folder:PATH or tfds:NAME"]),
        (["--dataset=catdog", "verbose"], ["'verbose' is not a flag", "--name=value"]),
        (["--dataset=catdog", "--data_dir={trees}/none"], ["cats' is not a folder", "--dataset=folder:PATH"]),
        (["--dataset=realsense", "--data_dir={trees}/none"], ["--data_dir=", "real_sense_fake100x100", "leave"]),
        (["--dataset=folder:{trees}/nowhere"], ["nowhere' does not exist", "class folders"]),
        (["--dataset=folder:{trees}/file"], ["file' is a file", "class folders"]),
        (["--dataset=folder:{trees}/none"], ["none' holds no class folder", "two or more folders"]),
        (["--dataset=folder:{trees}/one"], ["one class folder ('disk')", "two or more folders"]),
        (["--dataset=folder:{trees}/half"], ["'surplus' beside them", "either class folders or split folders"]),
        (["--dataset=folder:{trees}/good", "--cache_dir={trees}/file"], ["--cache_dir=", "another folder"]),
        (["--dataset=folder:{trees}/good", "--run_dir={trees}/file"], ["--run_dir=", "cannot be written", "another"]),
        (["--dataset=folder:{trees}/good", "--run_dir={trees}"], ["holds other files", "an empty or a new"]),
        (["--dataset=folder:{trees}/good", "--data_dir=x"], ["--data_dir=", "/x: ", "names the folder already"]),
        (["--dataset=folder:{trees}/good", "--run_dir={trees}/run[1]"], ["run[1]'", "takes '[' for a pattern"]),
        (["--dataset=folder:{trees}/good", "--run_dir={trees}/a\\b"], ["takes '\\\\' for a pattern", "relative"]),
        (["--dataset=folder:{trees}/good", "--run_dir={trees}/\udce9"], ["--run_dir", "\\xe9'", "names in UTF-8"]),
        (["--dataset=folder:."], ["--run_dir 'runs/folder-", "lies in the data folder '", "give another place"]),
        (["--dataset=folder:{trees}/good", "--run_dir={trees}/good"], ["good' lies in the data folder"]),
        (["--dataset=folder:{trees}/good", "--cache_dir={trees}/good/c"], ["--cache_dir '", "c' lies in the data"]),
        (["--dataset=folder:{trees}/good", "--run_dir="], ["--run_dir is empty", "leave it out"]),
        (["--dataset=folder:{trees}/good", "--resume=must"], ["--resume=must", "check --run_dir"]),
        (["--dataset=folder:{trees}/good", "--strategy=none", "--replicas=2"], ["--replicas=2", "leave one"]),
        (["--dataset=folder:{trees}/hollow"], ["class 'square' is empty", "hollow/square'", "or remove it"]),
        (["--dataset=folder:{trees}/few"], ["class 'stripes' is empty", "add some"]),
        (["--dataset=folder:{trees}/unreadable"], ["class 'disk' is empty", "refused 2 files", "disk/a.jpg", "JPEG"]),
        (["--dataset=folder:{trees}/good", "--image_size=4"], ["--image_size=4", "from 8 to 2048"]),
    ],
    ids=lambda value: " ".join(value) if value[0].startswith("--") else "",
)  # fmt: skip
def test_a_mistake_is_one_line_and_leaves_nothing(arguments, words, call, tmp_path):
    check(call(*(argument.format(trees=trees()) for argument in arguments)), words)
    assert os.listdir(tmp_path) == []
    assert sorted(os.listdir(trees() / "good")) == ["disk", "square"]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--model=catdog_2", "--image_size=16"], ["--image_size=16: ", "larger"]),
        (["--model=mobilenet_v2_035", "--weights={trees}/no.h5"], ["no.h5': No such file or directory"]),
        (["--model=mobilenet_v2_035", "--weights={trees}/file.h5"], ["file.h5': not the weights of"]),
    ],
    ids=["too small", "no weights", "no file of weights"],
)  # fmt: skip
def test_a_model_that_cannot_be_had_is_told_before_a_picture_is_decoded(arguments, words, call, monkeypatch):
    (trees() / "file.h5").write_text("no weights")
    monkeypatch.setattr(pipeline.data, "decode", lambda *_: pytest.fail("the pictures are decoded"))
    check(call(f"--dataset=folder:{trees() / 'good'}", *(part.format(trees=trees()) for part in arguments)), words)


def test_a_run_folder_of_other_options_is_refused(call, tmp_path):
    run_dir = shutil.copytree(finished_run(), tmp_path / "run")
    arguments = [*lively_flags("mixed_bfloat16"), f"--run_dir={run_dir}"]
    check(call(*arguments, "--epochs=2"), ["--epochs=2: the run has done 3 already", "another --run_dir"])
    check(call(*arguments, "--resume=never"), ["--resume=never", "another --run_dir"])
    assert (run_dir / "results.json").exists()


def test_a_default_run_folder_is_named_after_its_data():
    assert train.default_run_dir("folder:/a/b c/../d/").parent.name == "folder-d"
    assert train.default_run_dir("tfds:cats_vs_dogs").parent.name == "tfds-cats_vs_dogs"
    assert train.default_run_dir("realsense").parts[:2] == ("runs", "realsense")


def test_an_indivisible_batch_is_refused_with_the_nearest_that_work(tmp_path):
    done = run_script(
        "train.py", f"--dataset=folder:{trees() / 'good'}", *SMALL, "--strategy=mirrored", "--replicas=4",
        "--global_batch_size=10", cwd=tmp_path,
    )  # fmt: skip
    check(done, ["--global_batch_size=10", "4 replicas", "the nearest are 8 or 12"])
    assert os.listdir(tmp_path) == []


def test_ctrl_c_is_no_traceback(capsys):
    def interrupted(*_):
        raise KeyboardInterrupt

    with pytest.raises(SystemExit) as caught:
        guard.call(interrupted, [])
    assert caught.value.code == 130
    assert capsys.readouterr().err == "interrupted; nothing half-written is left\n"


@pytest.mark.parametrize(
    ("number", "fix"),
    [(errno.ENOSPC, "free some space there"), (errno.EFBIG, "ulimit -f"), (errno.EROFS, "mount it for writing"),
     (errno.EACCES, "allow yourself"), (errno.EIO, "check the disk")],
)  # fmt: skip
def test_what_cannot_be_written_is_one_line_with_its_fix(number, fix, capsys):
    def full(*_):
        raise durable.WriteError("/runs/a b/history.csv", OSError(number, os.strerror(number)))

    with pytest.raises(SystemExit) as caught:
        guard.call(full, [])
    line = capsys.readouterr().err
    assert (caught.value.code, line.count("\n")) == (2, 1)
    assert line.startswith(f"error: '/runs/a b/history.csv' cannot be written ({os.strerror(number)}): ")
    assert fix in line
    assert line.endswith(", and give the same command again\n")


def test_help_is_no_fault_and_a_flagfile_may_be_no_text(tmp_path):
    (tmp_path / "flags").write_bytes(b"--seed=\xff\n")
    check(run_script("predict.py", f"--flagfile={tmp_path / 'flags'}"), ["is no text in UTF-8 (line 1): save it as"])
    done = run_script("predict.py", "--help")
    assert (done.code, done.stderr) == (0, "")
    assert "--csv" in done.stdout


def test_a_process_says_it_the_same_way(tmp_path):
    check(run_script("train.py", "--dataset=realsens", cwd=tmp_path), ["did you mean 'realsense'"])
    check(run_script("evaluate.py", "--rnu=x", cwd=tmp_path), ["unknown flag --rnu: did you mean --run? see --help"])
    check(run_script("train.py", "--dataset=tfds:beanz", cwd=tmp_path), ["unknown TFDS builder 'beanz'", "'beans'"])
    assert os.listdir(tmp_path) == []


@pytest.mark.parametrize("script", ["train", "prepare", "evaluate", "predict"])
def test_mistakes_and_help_do_not_wait_for_tensorflow(script):
    code = (
        "import sys\n"
        "from absl import flags\n"
        f"from cli import guard, {script}\n"
        f"{script}.define_flags(flags.FLAGS)\n"
        "flags.FLAGS(['x']); flags.FLAGS.get_help()\n"
        "try:\n"
        f"    guard.call({script}.main, [])\n"
        "except SystemExit as stop:\n"
        "    print(stop.code, 'tensorflow' in sys.modules, 'keras' in sys.modules)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], check=False, capture_output=True, text=True, cwd=ROOT)
    assert done.stdout == "2 False False\n", done.stderr


ENDS = """
import atexit, sys
from pathlib import Path
from base.errors import UserError
from base.signals import Stopped
from cli import guard
def main(values, words):
    atexit.register(lambda: print("Python's own end, which waits for TensorFlow's threads", flush=True))
    print("said before")
    if how == "done":
        return
    if how == "helped":
        sys.stdout.write("no end of line")
        sys.exit(0)
    raise {"stopped": Stopped("SIGTERM: saved after step 3"), "refused": UserError("it does not fit")}[how]
how = sys.argv.pop()
guard.run(Path("train.py"), lambda values: None, main)
"""


@pytest.mark.parametrize(
    ("how", "code", "line"),
    [("stopped", 75, "SIGTERM: saved after step 3; the same command goes on from there\n"),
     ("refused", 2, "error: it does not fit\n"), ("done", 0, ""), ("helped", 0, "")],
)  # fmt: skip
def test_an_end_waits_for_nothing_and_all_is_said(how, code, line):
    done = subprocess.run([sys.executable, "-c", ENDS, how], check=False, capture_output=True, text=True, cwd=ROOT)
    said = "said before\n" + "no end of line" * (how == "helped")
    assert (done.returncode, done.stdout, done.stderr) == (code, said, line)
