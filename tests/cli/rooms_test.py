"""The scripts import their own packages, whatever else is called so on the way to them."""

import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from tests.helpers.run_fixtures import ROOT
from tests.layering_test import ORDER

ROOMS = sorted(set(ORDER) - {"scripts"})
# What each script says of itself, once all that it needs has been imported.
SAID = {
    "train": "error: --dataset is missing", "prepare": "error: --out_dir is missing",
    "evaluate": "error: --run is missing", "predict": "error: --run is missing",
    "reproduce": "error: --run is missing",
    "compare": "error: no run is given",
}  # fmt: skip
SCRIPTS = pytest.mark.parametrize("script", SAID)


def begin(*command: str, cwd: Path | str = ROOT, **environment: str) -> subprocess.CompletedProcess:
    """Python with `command`, in a process of its own, to its end."""
    clean = {name: value for name, value in os.environ.items() if name not in ("PYTHONPATH", "PYTHONSAFEPATH")}
    return subprocess.run([sys.executable, *map(str, command)], cwd=cwd, env=clean | environment, check=False,
                          capture_output=True, text=True)  # fmt: skip


def check(done: subprocess.CompletedProcess, script: str) -> None:
    assert (done.returncode, done.stdout) == (2, ""), done.stderr
    assert done.stderr.startswith(SAID[script])
    assert done.stderr.count("\n") == 1


def strangers(folder: Path, kind: str) -> Path:
    """Another package, module or mere folder for each name of ours."""
    for room in ROOMS:
        if kind == "module":
            folder.mkdir(parents=True, exist_ok=True)
            (folder / f"{room}.py").write_text("raise SystemError('another one')")
        else:
            (folder / room).mkdir(parents=True)
            (folder / room / ("__init__.py" if kind == "package" else "notes.txt")).write_text("theirs = True")
    return folder


@SCRIPTS
def test_packages_of_their_names_stand_first_on_the_path(script, tmp_path):
    check(begin(ROOT / f"{script}.py", PYTHONPATH=str(strangers(tmp_path, "package"))), script)


@pytest.mark.parametrize("kind", ["module", "folder"])
def test_modules_and_mere_folders_on_the_path(kind, tmp_path):
    check(begin(ROOT / "train.py", PYTHONPATH=str(strangers(tmp_path, kind))), "train")


@pytest.mark.parametrize("kind", ["package", "module", "folder"])
def test_the_working_folder_holds_the_names(kind, tmp_path):
    check(begin(ROOT / "predict.py", cwd=strangers(tmp_path, kind), PYTHONPATH="."), "predict")


def test_a_zip_of_packages_stands_first_on_the_path(tmp_path):
    with zipfile.ZipFile(tmp_path / "all.zip", "w") as packed:
        for room in ROOMS:
            packed.writestr(f"{room}/__init__.py", "")
    check(begin(ROOT / "train.py", PYTHONPATH=str(tmp_path / "all.zip")), "train")


@SCRIPTS
def test_python_leaves_the_scripts_folder_out_of_the_path(script):
    check(begin(ROOT / f"{script}.py", PYTHONSAFEPATH="1"), script)


@pytest.mark.parametrize("option", ["-P", "-I"])
def test_options_of_python(option, tmp_path):
    check(begin(option, ROOT / "train.py", PYTHONPATH=str(strangers(tmp_path, "package"))), "train")


def test_links_to_a_script_and_to_the_checkout(tmp_path):
    path = str(strangers(tmp_path / "theirs", "package"))
    (tmp_path / "mine").symlink_to(ROOT / "prepare.py")
    (tmp_path / "checkout").symlink_to(ROOT)
    check(begin(tmp_path / "mine", cwd=tmp_path, PYTHONPATH=path), "prepare")
    check(begin(tmp_path / "checkout" / "prepare.py", cwd=tmp_path, PYTHONPATH=path, PYTHONSAFEPATH="1"), "prepare")
    check(begin("-m", "train", cwd=tmp_path / "checkout", PYTHONPATH=path), "train")


@pytest.mark.parametrize("script", ["train", "evaluate"])
def test_scripts_as_modules(script, tmp_path):
    strange = str(strangers(tmp_path, "package"))
    check(begin("-m", script, PYTHONPATH=strange), script)
    check(begin("-m", script, cwd=tmp_path, PYTHONPATH=f"{ROOT}"), script)
    check(begin("-P", "-m", script, cwd=tmp_path, PYTHONPATH=f"{strange}:{ROOT}"), script)


def test_a_module_of_ours_finds_the_others(tmp_path):
    code = "import runpy, cli.flags_page; cli.flags_page.render(); print('rendered')"
    done = begin("-c", code, PYTHONPATH=str(strangers(tmp_path, "package")))
    assert done.stdout == "rendered\n", done.stderr


@pytest.mark.parametrize("kind", ["package", "folder"])
def test_packages_of_their_names_are_loaded_already(kind, tmp_path):
    strangers(tmp_path, kind)
    for room in ROOMS:
        (tmp_path / room / "start.py").write_text("theirs = True")
        (tmp_path / room / "options.py").write_text("theirs = True")
    lines = [f"import {room}, {room}.start, {room}.options" for room in ROOMS]
    (tmp_path / "sitecustomize.py").write_text("\n".join(lines))
    check(begin(ROOT / "train.py", PYTHONPATH=str(tmp_path)), "train")


def test_a_finder_that_answers_to_every_name(tmp_path):
    (tmp_path / "sitecustomize.py").write_text(
        "import sys, importlib.machinery as m\n"
        "class All:\n"
        "    def find_spec(name, path=None, target=None):\n"
        f"        if name in {ROOMS}: return m.PathFinder.find_spec(name, [{str(tmp_path / 'theirs')!r}])\n"
        "sys.meta_path.insert(0, All)\n"
    )
    strangers(tmp_path / "theirs", "package")
    check(begin(ROOT / "predict.py", PYTHONPATH=str(tmp_path)), "predict")


def test_every_room_is_a_package():
    """A folder without the marker gives way to any package of its name."""
    for path in (folder for room in (*ROOMS, "tests/helpers", "benchmarks") for folder in (ROOT / room).rglob("*.py")):
        assert (path.parent / "__init__.py").exists(), path.parent
    assert (ROOT / "tests" / "__init__.py").exists()
