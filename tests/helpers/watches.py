"""Watches for tests: one that remembers, and one that nothing may be said to."""

from collections.abc import Callable

import pytest

from base.watch import Watch


class Recording(Watch):
    """Remembers what is said and how far work came; `at_check` is called at each question whether to stop."""

    def __init__(self, at_check: Callable[[], None] = lambda: None):
        super().__init__()
        self.lines: list[str] = []
        self.steps: list[tuple[int, int, str]] = []
        self._at_check = at_check

    def say(self, line: str) -> None:
        self.lines.append(line)

    def progress(self, done: int, total: int, doing: str, note: str = "") -> None:
        self.steps.append((done, total, doing))

    def check(self, where: str = "before the first step") -> None:
        self._at_check()
        super().check(where)


class Silence(Watch):
    """Fails the test where anything is said."""

    def say(self, line: str) -> None:
        pytest.fail(line)
