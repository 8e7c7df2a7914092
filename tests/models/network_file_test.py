"""A user's FILE.py:FUNCTION: read once, run as it was read, and each of its troubles in one line."""

from pathlib import Path

import pytest

from base.errors import UserError
from models.network_file import NetworkFile, network_file, without_place


def file_of(folder: Path, text: str, function: str = "build") -> NetworkFile:
    (folder / "net.py").write_text(text)
    return NetworkFile(folder / "net.py", function)


def refusal(file: NetworkFile) -> str:
    with pytest.raises(UserError) as caught:
        file.load()
    assert "\n" not in str(caught.value)
    assert str(file.path) in str(caught.value)
    return str(caught.value)


@pytest.mark.parametrize(
    ("name", "path", "function"),
    [("net.py:build", "net.py", "build"), ("/a b/n.py:f", "/a b/n.py", "f"), ("C:/x.py:y.py:z", "C:/x.py:y.py", "z")],
)
def test_a_file_and_a_function_are_told_from_a_name(name, path, function):
    assert network_file(name) == NetworkFile(Path(path), function)
    assert without_place(name) == f"FILE:{function}"


@pytest.mark.parametrize("name", ["residual_small", "net.py", "net:build", "hub:some.py", 5, None])
def test_other_names_are_none(name):
    assert network_file(name) is None
    assert without_place(name) == name


def test_the_function_is_the_files_and_nothing_is_written_beside_it(tmp_path):
    size = "import dataclasses\n\n@dataclasses.dataclass\nclass Size:\n    side: 'int' = 3\n\n"
    file = file_of(tmp_path, size + "def build(classes, shape):\n    return classes, shape, Size().side\n")
    assert file.load()(2, (8, 8, 3)) == (2, (8, 8, 3), 3)
    assert [path.name for path in tmp_path.iterdir()] == ["net.py"]


def test_a_file_that_is_worked_on_is_what_it_was_when_the_run_began(tmp_path):
    file = file_of(tmp_path, "def build(classes, shape):\n    return 'old'\n")
    before = file.sha256
    assert file_of(tmp_path, "def build(classes, shape):\n    return 'new'\n").load()(2, (8, 8, 3)) == "old"
    assert file.sha256 == before
    assert b"old" in file.source


def test_what_lies_beside_it_is_not_found_and_the_path_of_modules_stays(tmp_path):
    (tmp_path / "blocks_beside.py").write_text("WIDTH = 3\n")
    text = refusal(file_of(tmp_path, "import os\nimport blocks_beside\n\ndef build(a, b):\n    pass\n"))
    assert "line 2 raises ModuleNotFoundError: No module named 'blocks_beside' (the file must stand alone" in text


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("def build(:\n", "line 1: "),
        ("x = 1\n\ndef build(a, b):\n  return (\n", "line 4: "),
        ("a\0b", "null byte"),
        ("x = 1\nraise RuntimeError('two\\nlines')\n", "line 2 raises RuntimeError: two lines"),
        ("import sys\nsys.exit(3)\n", "line 2 raises SystemExit: 3"),
        ("def make(a, b):\n    pass\n", "unknown function in '{path}' 'build': known: make"),
        ("def biuld(a, b):\n    pass\n", "did you mean 'biuld'?"),
        ("build = 3\n", "unknown function"),
        ("def build(classes):\n    pass\n", "write def build(num_classes, pixel_shape)"),
        ("def build(a, b, c):\n    pass\n", "missing a required argument: 'c'"),
        ("def build(*, num_classes, pixel_shape):\n    pass\n", "too many positional arguments"),
    ],
)  # fmt: skip
def test_each_trouble_is_one_line_with_its_place(content, said, tmp_path):
    assert said.format(path=tmp_path / "net.py") in refusal(file_of(tmp_path, content))


def test_a_missing_file_is_named(tmp_path):
    missing = NetworkFile(tmp_path / "no.py", "build")
    assert refusal(missing) == f"--model={missing.path}: No such file or directory; give FILE.py:FUNCTION"
    assert "Is a directory" in refusal(NetworkFile(tmp_path, "f"))


def test_an_error_that_the_users_code_has_no_part_in_is_the_programs(tmp_path):
    file = file_of(tmp_path, "def build(a, b):\n    raise KeyError('theirs')\n")
    with pytest.raises(ZeroDivisionError), file.naming_trouble():
        print(1 // 0)
    with pytest.raises(UserError, match="line 2 raises KeyError"), file.naming_trouble():
        file.load()(1, 2)
