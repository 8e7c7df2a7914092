"""What a run says: log lines for everyone, a bar with ETA and images/s for a terminal."""

import contextlib
import errno
import time
from collections.abc import Iterator

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from base.signals import StopRequest
from base.watch import Watch

_REFRESH_SECONDS = 0.5


class _Console(Console):
    """Goes on in silence where nobody reads any more, as after `| head`; rich would end the run."""

    def on_broken_pipe(self) -> None:
        self.quiet = True


class Terminal(Watch):
    """Prints log lines to standard output, and a bar below them while it is a terminal."""

    def __init__(self, stop: StopRequest | None = None):
        super().__init__(stop)
        self._console = _Console(highlight=False, soft_wrap=True, emoji=False)
        self._bar: Progress | None = None
        self._refreshed = 0.0

    def say(self, line: str) -> None:
        """Prints a log line."""
        # Neither markup nor emoji: folders called [train] and :cat: must come out as they are.
        with self._going_on():
            self._console.print(line, markup=False)

    def progress(self, done: int, total: int, doing: str, note: str = "") -> None:
        """Moves the bar, at most twice a second."""
        now = time.monotonic()
        if now - self._refreshed < _REFRESH_SECONDS or not self._console.is_terminal:
            return
        self._refreshed = now
        with self._going_on():
            if self._bar is None:
                self._bar = self._make_bar(done, total, doing)
                self._bar.start()
            self._bar.update(self._bar.task_ids[0], completed=done, description=doing, note=note, refresh=True)

    def close(self) -> None:
        """Takes the bar away."""
        if self._bar is not None:
            with self._going_on():
                self._bar.stop()
            self._bar = None

    def _make_bar(self, done: int, total: int, doing: str) -> Progress:
        note, eta = TextColumn("{task.fields[note]}"), TextColumn("ETA")
        columns = (
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            note,
            eta,
            TimeRemainingColumn(),
        )
        bar = Progress(*columns, console=self._console, transient=True, auto_refresh=False, speed_estimate_period=60)
        bar.add_task(doing, total=total, completed=done, note="")
        return bar

    @contextlib.contextmanager
    def _going_on(self) -> Iterator[None]:
        """What cannot be shown must not end the work."""
        try:
            yield
        except OSError as error:
            # A full disk may have room again, and then shows what waited. A terminal that was closed stays closed.
            self._console.quiet = error.errno not in (errno.ENOSPC, errno.EDQUOT)
