"""The walls of the house: which room may know which, and how large a file and a function may grow."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
# From the top of the house to its bottom: a room may know those below it.
ORDER = ("scripts", "cli", "jobs", "reports", "serving", "evaluation", "training", "models", "pipeline", "rendered",
         "records", "base")  # fmt: skip
ROOMS = {room: set(ORDER[place + 1 :]) for place, room in enumerate(ORDER)}
SCRIPTS = {"train", "prepare", "evaluate", "predict", "compare", "reproduce"}
OUTSIDE = {"tests", "benchmarks"}
MAX_FILE_LINES, MAX_FUNCTION_LINES = 250, 60


def python_files() -> list[Path]:
    """Every Python file of the repository, tests too."""
    files = [path.relative_to(ROOT) for path in ROOT.rglob("*.py")]
    return sorted(path for path in files if not any(part.startswith((".", "runs", "data")) for part in path.parts))


def module_of(path: Path) -> str:
    """pipeline/graph.py -> pipeline.graph."""
    return ".".join(path.with_suffix("").parts)


def room_of(module: str) -> str:
    """The room of one of our modules: its folder, or "scripts"; empty for anybody else's."""
    first = module.partition(".")[0]
    return "scripts" if first in SCRIPTS else first if first in ROOMS else ""


def imports_of(tree: ast.AST, known: set[str]) -> Iterator[tuple[str, int]]:
    """(module, line) of every import, at any depth; `from room import module` gives room.module."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from ((alias.name, node.lineno) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert not node.level, f"line {node.lineno}: imports are written in full, from the root"
            for alias in node.names:
                inner = f"{node.module}.{alias.name}"
                yield (inner if inner in known else node.module), node.lineno


FILES = python_files()
TREES = {path: ast.parse((ROOT / path).read_text(encoding="utf-8")) for path in FILES}
MODULES = {module_of(path) for path in FILES}
OURS = [path for path in FILES if path.parts[0] not in OUTSIDE]
by_path = pytest.mark.parametrize("path", FILES, ids=str)


def wrong_imports(path: Path, tree: ast.AST) -> list[str]:
    """Every import of `path` that goes through a wall, as text."""
    room = room_of(module_of(path))
    wrong = []
    for module, line in imports_of(tree, MODULES):
        other = room_of(module)
        if other and other != room and other not in ROOMS[room]:
            wrong.append(f"{path}:{line}: {room} must not know {other} ({module})")
        if module.partition(".")[0] in OUTSIDE:
            wrong.append(f"{path}:{line}: the program must not know {module}")
        if module.partition(".")[0] == "absl" and room != "cli":
            wrong.append(f"{path}:{line}: only cli knows absl")
    return wrong


def cycle_in(graph: dict[str, set[str]]) -> list[str]:
    """One cycle as a list of modules, or nothing."""
    state: dict[str, int] = {}

    def visit(module: str, trail: list[str]) -> list[str]:
        if state.get(module) == 1:
            return [*trail[trail.index(module) :], module]
        if module in state:
            return []
        state[module] = 1
        for other in sorted(graph.get(module, ())):
            if found := visit(other, [*trail, module]):
                return found
        state[module] = 2
        return []

    return next((found for module in sorted(graph) if (found := visit(module, []))), [])


@pytest.mark.parametrize("path", OURS, ids=str)
def test_every_file_has_a_room_and_keeps_to_its_walls(path):
    assert room_of(module_of(path)), f"{path} belongs to no room: name it in ROOMS or SCRIPTS"
    assert wrong_imports(path, TREES[path]) == []


def test_no_two_modules_know_each_other():
    graph = {module_of(path): {m for m, _ in imports_of(TREES[path], MODULES) if m in MODULES} for path in OURS}
    assert sum(map(len, graph.values())) > 50
    assert cycle_in(graph) == []


@by_path
def test_no_file_and_no_function_is_too_long(path):
    lines = len((ROOT / path).read_text(encoding="utf-8").splitlines())
    assert lines <= MAX_FILE_LINES, f"{path} has {lines} lines: split it where it has two subjects"
    for node in ast.walk(TREES[path]):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            length = node.end_lineno - node.lineno + 1
            assert length <= MAX_FUNCTION_LINES, f"{path}:{node.lineno}: {node.name} has {length} lines"


@pytest.mark.parametrize("path", OURS, ids=str)
def test_every_file_says_what_it_is_for(path):
    assert path.stem not in ("utils", "util", "helpers", "misc", "common"), f"{path}: name it by what it does"
    assert ast.get_docstring(TREES[path]), f"{path} has no docstring"


@pytest.mark.parametrize(
    ("path", "source", "word"),
    [
        ("pipeline/x.py", "from models.zoo import build_model", "pipeline must not know models"),
        ("models/x.py", "def f():\n    import training.step", "models must not know training"),
        ("pipeline/sources/x.py", "from training import options", "pipeline must not know training"),
        ("training/x.py", "from reports import progress", "training must not know reports"),
        ("training/x.py", "from evaluation.metrics import scores", "training must not know evaluation"),
        ("evaluation/x.py", "import serving.export as e", "evaluation must not know serving"),
        ("records/x.py", "from pipeline.data import Data", "records must not know pipeline"),
        ("jobs/x.py", "from absl import flags", "only cli knows absl"),
        ("training/x.py", "import train", "training must not know scripts"),
        ("reports/x.py", "from jobs.run import Run", "reports must not know jobs"),
        ("base/x.py", "from records.run_folder import RunFolder", "base must not know records"),
        ("pipeline/x.py", "from tests.conftest import random_picture", "must not know tests"),
    ],
)
def test_the_walls_are_seen(path, source, word):
    assert word in " ".join(wrong_imports(Path(path), ast.parse(source)))


def test_a_cycle_is_seen():
    assert cycle_in({"a": {"b"}, "b": {"c"}, "c": {"b"}}) == ["b", "c", "b"]
    assert cycle_in({"a": {"b", "c"}, "b": {"c"}, "c": set()}) == []
