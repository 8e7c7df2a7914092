"""docs/faults.md, made from the tests' own words: python -m tests.helpers.fault_page writes it anew."""

import ast
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PAGE = ROOT / "docs" / "faults.md"
# Tests of what may go wrong: all end-to-end ones, and those whose file is called after a fault.
_WORDS = ("damage", "fault", "hostile", "bomb", "odd_", "fuzz", "changes", "bad_images", "others", "strangers", "order",
          "durable", "locks", "health", "trouble", "streams", "paths", "seal", "growth")  # fmt: skip
_HEAD = """# Faults, and what holds

Made from the tests' own words by `python -m tests.helpers.fault_page`; a test fails where it is stale. Tests marked *s*
are slow ones (`make test-slow`). What a run is killed at, `base/kill_points.py` names.
"""


def render() -> str:
    """The page, in Markdown."""
    paths = sorted(path for path in (ROOT / "tests").rglob("*_test.py") if _is_of_faults(path))
    return "\n".join([_HEAD, *(line for path in paths for line in _section(path))]) + "\n"


def _is_of_faults(path: Path) -> bool:
    return path.parent.name == "end_to_end" or any(word in path.name for word in _WORDS)


def _section(path: Path) -> list[str]:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    tests = [node for node in tree.body if isinstance(node, ast.FunctionDef) and node.name.startswith("test_")]
    about = ast.get_docstring(tree).splitlines()[0]
    all_slow = any(ast.unparse(node) == "pytestmark = pytest.mark.slow" for node in tree.body)
    names = [f"- {_sentence(test.name)}{' *s*' if all_slow or _is_slow(test) else ''}" for test in tests]
    return [f"## {about.rstrip('.')}", "", f"`{path.relative_to(ROOT)}`", "", *names, ""] if names else []


def _sentence(name: str) -> str:
    return name.removeprefix("test_").replace("_s_", "'s ").replace("_", " ")


def _is_slow(test: ast.FunctionDef) -> bool:
    return any("mark.slow" in ast.unparse(decorator) for decorator in test.decorator_list)


if __name__ == "__main__":
    PAGE.write_text(render())
