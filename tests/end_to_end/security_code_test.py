"""What no file of the repository does: run data as code, unpack blindly, listen to the network."""

import ast
import subprocess
from pathlib import Path

import pytest

from tests.layering_test import FILES, ROOT, TREES

MODULES = {"pickle", "_pickle", "cPickle", "cloudpickle", "dill", "joblib", "marshal", "shelve", "yaml", "xmlrpc"}
CALLS = {"eval", "exec", "compile", "__import__"}
# By the last two parts of the dotted name; one part stands for any owner.
METHODS = {
    "os.system", "os.popen", "tempfile.mktemp", "shutil.unpack_archive", "load_model", "model_from_json",
    "enable_unsafe_deserialization", "Lambda", "TFSMLayer", "py_function", "torch.load", "experimental.service",
    "DispatchServer", "WorkerServer", "_create_unverified_context",
}  # fmt: skip
# A keyword that must be there, and its value; or that must not have another.
NEEDED = {"np.load": ("allow_pickle", False), "numpy.load": ("allow_pickle", False),
          "extractall": ("filter", "data"), "extract": ("filter", "data")}  # fmt: skip
ALLOWED = {"allow_pickle": False, "shell": False, "safe_mode": True, "verify": True}
# It plants what the others must not touch.
PLANTS = Path("tests/end_to_end/security_test.py")
# It runs the file that --model names, which is the user's own program and comes out of no data or run.
RUNS_THE_USERS = Path("models/network_file.py")
EVERYWHERE = ("--" + "bind_all", "0.0." + "0.0", "--host=" + "*")  # in pieces: this file is read too


def dotted(node: ast.AST) -> str:
    """a.b.c of a name or a chain of attributes; what is called or indexed in between is left out."""
    if isinstance(node, ast.Name):
        return node.id
    if isinstance(node, ast.Attribute):
        return f"{dotted(node.value)}.{node.attr}".lstrip(".")
    return ""


def ends_of(name: str) -> set[str]:
    """a.b.c -> c and b.c."""
    parts = name.split(".")
    return {parts[-1], ".".join(parts[-2:])}


def modules_of(node: ast.AST) -> list[str]:
    if isinstance(node, ast.Import):
        return [alias.name for alias in node.names]
    return [node.module, *(alias.name for alias in node.names)] if isinstance(node, ast.ImportFrom) else []


def dangers(tree: ast.AST) -> list[str]:
    """Every line that runs data as code, or could, as "line: what"."""
    found = []
    for node in ast.walk(tree):
        found += [f"{node.lineno}: import {name}" for name in modules_of(node) if name.partition(".")[0] in MODULES]
        found += [f"{node.lineno}: import {name}" for name in modules_of(node) if name in METHODS]
        if isinstance(node, ast.Attribute) and ends_of(dotted(node)) & METHODS:
            found.append(f"{node.lineno}: {dotted(node)}")
        if isinstance(node, ast.Call):
            found += [f"{node.lineno}: {words}" for words in _danger_of_call(node)]
    return found


def _danger_of_call(node: ast.Call) -> list[str]:
    name = dotted(node.func)
    given = {keyword.arg: getattr(keyword.value, "value", None) for keyword in node.keywords}
    found = [f"{name}()"] if isinstance(node.func, ast.Name) and name in CALLS else []
    for end in ends_of(name) & set(NEEDED):
        keyword, value = NEEDED[end]
        if given.get(keyword, ...) != value:
            found.append(f"{name} without {keyword}={value!r}")
    return found + [f"{key}={given[key]!r}" for key in ALLOWED if key in given and given[key] is not ALLOWED[key]]


@pytest.mark.parametrize("path", [path for path in FILES if path != PLANTS], ids=str)
def test_no_file_runs_data_as_code(path):
    known = {"compile()", "exec()"} if path == RUNS_THE_USERS else set()
    assert {danger.partition(": ")[2] or danger for danger in dangers(TREES[path])} == known


@pytest.mark.parametrize(
    "source",
    [
        "import pickle", "from pickle import loads", "import yaml", "import marshal as m", "from shelve import open",
        "eval(text)", "exec(open(path).read())", "compile(text, path, 'exec')", "__import__(name)",
        "os.system('ls')", "from os import popen as p\nos.popen('ls')", "subprocess.run(line, shell=True)",
        "subprocess.run(line, shell=flag)", "tempfile.mktemp()", "np.load(path)", "np.load(path, allow_pickle=True)",
        "numpy.load(path, allow_pickle=value)", "f(allow_pickle=True)", "tar.extractall(folder)", "zip.extract(name)",
        "tar.extractall(folder, filter='tar')", "shutil.unpack_archive(a)", "keras.models.load_model(path)",
        "keras.saving.load_model(path, safe_mode=False)", "from keras.models import load_model",
        "keras.layers.Lambda(f)", "from keras.layers import Lambda", "keras.layers.TFSMLayer(path)",
        "tf.py_function(f, [x], tf.int32)", "torch.load(path)", "tf.data.experimental.service.distribute(x)",
        "def f():\n    keras.config.enable_unsafe_deserialization()", "get(url, verify=False)",
    ],
)  # fmt: skip
def test_each_danger_is_seen(source):
    assert dangers(ast.parse(source))


@pytest.mark.parametrize(
    "source",
    ["np.load(path, allow_pickle=False)", "re.compile(x)", "model.compile()", "model.eval()", "json.load(file)",
     "tar.extractall(folder, filter='data')", "subprocess.run([a, b])", "durable.read_arrays(path)"],
)  # fmt: skip
def test_what_is_harmless_is_let_be(source):
    assert dangers(ast.parse(source)) == []


def test_nothing_listens_to_the_network():
    # Documentation, makefiles and programs alike: TensorBoard has no password, and serves whoever reaches it.
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, check=False).stdout
    names = [name for name in listed.decode().split("\0") if name] or [str(path) for path in FILES]
    texts = {name: (ROOT / name).read_text(encoding="utf-8", errors="replace") for name in names}
    assert any("tensorboard --logdir" in text for text in texts.values())
    assert [name for name, text in texts.items() if any(words in text for words in EVERYWHERE)] == []
