"""What a run says: log lines for everyone, a bar with ETA and images/s for a terminal."""

import contextlib
import errno
import time
from collections.abc import Iterator

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

_REFRESH_SECONDS = 0.5


class _Console(Console):
    """Goes on in silence where nobody reads any more, as after `| head`; rich would end the run."""

    def on_broken_pipe(self) -> None:
        self.quiet = True


class Reporter:
    """Prints log lines to standard output, and a bar below them while it is a terminal."""

    def __init__(self):
        self._console = _Console(highlight=False, soft_wrap=True, emoji=False)
        self._bar: Progress | None = None
        self._refreshed = 0.0

    def say(self, line: str) -> None:
        """One log line."""
        # Neither markup nor emoji: folders called [train] and :cat: must come out as they are.
        with self._at_no_cost():
            self._console.print(line, markup=False)

    def start(self, description: str, total: int, done: int = 0) -> None:
        """Shows a bar of `total` units, of which `done` are done."""
        if not self._console.is_terminal:
            return
        self._bar = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TextColumn("{task.fields[note]}"),
            TextColumn("ETA"),
            TimeRemainingColumn(),
            console=self._console,
            transient=True,
            auto_refresh=False,
            speed_estimate_period=60,
        )
        self._task = self._bar.add_task(description, total=total, completed=done, note="")
        with self._at_no_cost():
            self._bar.start()

    def update(self, done: int, description: str | None = None, note: str = "") -> None:
        """Moves the bar to `done`; costs nothing between two refreshes."""
        now = time.monotonic()
        if self._bar is None or now - self._refreshed < _REFRESH_SECONDS:
            return
        self._refreshed = now
        with self._at_no_cost():
            self._bar.update(self._task, completed=done, description=description, note=note, refresh=True)

    def stop(self) -> None:
        """Takes the bar away."""
        if self._bar is not None:
            with self._at_no_cost():
                self._bar.stop()
            self._bar = None

    @contextlib.contextmanager
    def _at_no_cost(self) -> Iterator[None]:
        """What cannot be shown must not cost the run."""
        try:
            yield
        except OSError as error:
            # A full disk may have room again, and then shows what waited. A terminal that was closed stays closed.
            self._console.quiet = error.errno not in (errno.ENOSPC, errno.EDQUOT)
