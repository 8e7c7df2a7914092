"""What a process holds while it runs, and what it leaves in folders: for tests that nothing may grow."""

import dataclasses
import math
import os
import subprocess
import time
from collections import Counter
from pathlib import Path

from base import durable
from tests.helpers.run_fixtures import Done

SAMPLE_SECS = 0.25
_TEMPORARY = (durable.TEMPORARY_PREFIX, durable.ASIDE_PREFIX)


@dataclasses.dataclass(frozen=True)
class Held:
    """One look at a process.

    Attributes:
      memory: bytes resident that no file backs. A mapped pack is the page cache's, not the process's.
      handles: open files.
      threads: of all kinds.
    """

    memory: int
    handles: int
    threads: int


def held_by(pid: int) -> Held | None:
    """A look at process `pid`; None where it has ended."""
    try:
        with open(f"/proc/{pid}/status") as file:
            status = dict(line.split(":", 1) for line in file)
        handles = len(os.listdir(f"/proc/{pid}/fd"))
        return Held(1024 * int(status["RssAnon"].split()[0]), handles, int(status["Threads"]))
    except (OSError, KeyError):  # a dead process that nobody has waited for has no RssAnon
        return None


def watch(process: subprocess.Popen, seconds: float = math.inf) -> tuple[list[Held], Done | None]:
    """Looks at a process until it ends or `seconds` have passed; (what it held, how it ended if it did).

    Its pipes are read meanwhile: a process that fills one would wait for ever.
    """
    until, looks = time.monotonic() + seconds, []
    while (left := until - time.monotonic()) > 0:
        try:
            stdout, stderr = process.communicate(timeout=min(SAMPLE_SECS, left))
            return looks, Done(process.returncode, stdout, stderr)
        except subprocess.TimeoutExpired:
            held = held_by(process.pid)
            looks += [held] if held else []
    return looks, None


def peak(looks: list[Held]) -> Held:
    """The most of each that was ever held."""
    return Held(*(max(getattr(look, field.name) for look in looks) for field in dataclasses.fields(Held)))


def files_under(folder: Path) -> Counter:
    """How many there are: "temporaries" (files and folders), "within temporaries", "events" and "others" (files)."""
    kinds = Counter()
    for parent, folders, names in os.walk(folder):
        for name in names:
            kinds[_kind(Path(parent, name).relative_to(folder))] += 1
        kinds["temporaries"] += sum(name.startswith(_TEMPORARY) for name in folders)
    return kinds


def _kind(path: Path) -> str:
    if any(part.startswith(_TEMPORARY) for part in path.parts):
        return "temporaries" if path.name.startswith(_TEMPORARY) else "within temporaries"
    return "events" if path.name.startswith("events.out.tfevents") else "others"
