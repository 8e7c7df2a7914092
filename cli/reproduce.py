"""reproduce.py's flags, and the run that they have trained again."""

import contextlib
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

from absl import flags

from base.errors import UserError
from base.signals import listen
from cli import paths
from cli.guard import refuse_arguments
from cli.several import starter
from jobs.reproduce import reproduce


def define_flags(values: flags.FlagValues) -> None:
    """reproduce.py's flags."""
    for name, text in (
        ("run", "the folder of a finished run; nothing is written to it"),
        ("data_dir", "where the run's pictures are now, if they have moved"),
        ("out_dir", "the run folder to train in, where the same command goes on; the default is a temporary one, which "
         "is kept where the bits are not the same"),
    ):  # fmt: skip
        flags.DEFINE_string(name, None, text, flag_values=values)
    paths.define_cache_dir(values)


def main(values: flags.FlagValues, arguments: list[str]) -> None:
    """Flags -> one call; exit code 1 where the bits are not the same."""
    refuse_arguments(arguments)
    if not values.run:
        raise UserError("--run is missing: the folder of a finished run, as runs/catdog/...; see --help")
    from reports.progress import Terminal

    run_dir, data_dir = paths.path_of(values.run), paths.absolute(values.data_dir) if values.data_dir else ""
    with (
        listen() as stop,
        contextlib.closing(Terminal(stop)) as watch,
        _folder(values.out_dir, watch.say) as (out_dir, keep),
    ):
        stop.say = lambda line: None  # the run that hears the signal says so
        code = reproduce(run_dir, out_dir, data_dir, starter(stop, paths.cache_arguments(values)), watch)
        if code:
            keep()
    if code:
        sys.exit(code)


@contextlib.contextmanager
def _folder(text: str | None, say: Callable[[str], None]) -> Iterator[tuple[Path, Callable[[], None]]]:
    """(the folder to train in, what has it stay): the user's, which always does, or a temporary one."""
    if text:
        yield paths.path_of(text), lambda: None
        return
    with contextlib.ExitStack() as stays:
        parent = Path(tempfile.mkdtemp(prefix="penstock-again-"))
        stays.callback(shutil.rmtree, parent, ignore_errors=True)

        def keep() -> None:
            if (parent / "run").exists():
                stays.pop_all()
                say(f"kept        {parent / 'run'}")

        yield parent / "run", keep
