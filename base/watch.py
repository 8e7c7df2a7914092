"""Watch: what long work says on its way, how far it is, and whether it was asked to stop."""

from collections.abc import Iterable, Iterator

from base.signals import Stopped, StopRequest


class Watch:
    """Long work takes one. This one shows nothing; `reports.progress.Terminal` prints lines and a bar."""

    def __init__(self, stop: StopRequest | None = None):
        """`stop` says whether somebody asked to stop; None is never asked."""
        self._stop = stop or StopRequest()
        self._stop.say = self.say

    def say(self, line: str) -> None:
        """Takes a log line."""

    def progress(self, done: int, total: int, doing: str, note: str = "") -> None:
        """Takes how far the work is: `done` of `total` units of what `doing` names; cheap enough for every unit."""

    def close(self) -> None:
        """Ends what is shown of a progress; the next one begins anew."""

    @property
    def stop_asked(self) -> str:
        """The name of the signal that asked to stop, for work that saves first; empty where none has."""
        return self._stop.signal_name

    def save_first(self) -> None:
        """From here on a signal waits until the work asks for it, which then saves what it has; before, it stops at
        once, as nothing would be lost."""
        self._stop.at_once = False

    def nothing_to_save(self, where: str) -> None:
        """From here on a signal stops the work at once; one that came before does so now, as `check`."""
        self._stop.at_once = True
        self.check(where)

    def check(self, where: str = "before the first step") -> None:
        """Raises Stopped if somebody has asked; `where` ends the line that the user reads."""
        if self.stop_asked:
            raise Stopped(f"{self.stop_asked}: stopped {where}")

    def each(self, parts: Iterable, where: str) -> Iterator:
        """`parts`, one by one, as long as nobody has asked to stop; else as `check`."""
        for part in parts:
            self.check(where)
            yield part


SILENT = Watch()
