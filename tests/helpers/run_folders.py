"""Options of a made-up run, and its folder; shared by the tests of records."""

import dataclasses
from pathlib import Path

from base.options import Options, group, option
from records.claim import claim


@dataclasses.dataclass(frozen=True)
class MadeUp(Options):
    """Options of which two are no part of the run's identity."""

    seed: int = option(1, "of all")
    threads: int = option(0, "for the step")
    epochs: int = option(3, "passes")
    learning_rate: float = option(0.001, "of the optimizer")
    data_dir: str = option("", "where the pictures are", identity=False)
    cache: str = option("auto", "whether to pack", identity=False)


@dataclasses.dataclass(frozen=True)
class Nested(Options):
    """The same, with a room's options nested."""

    threads: int = option(0, "for the step")
    training: MadeUp = group(MadeUp())


OPTIONS = MadeUp(threads=2)


def begin(path: Path, options: Options = OPTIONS) -> Path:
    """A run folder as a run leaves it that was killed in training."""
    with claim(path, "auto") as folder:
        assert folder.adopt(options) == {}
        folder.options.write(options.to_json())
    return path


def hold(path: Path, resume: str = "auto", cache_dir: Path | None = None) -> None:
    """Claims a folder and lets it go again."""
    with claim(path, resume, cache_dir):
        pass
