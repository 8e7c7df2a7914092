"""What stands around a script's `main`: absl's parser before it, and behind it the exit codes and one-line errors."""

import contextlib
import errno
import functools
import os
import shutil
import sys
from collections.abc import Callable
from pathlib import Path

from absl import app, flags, logging

from base.durable import WriteError
from base.errors import UserError
from base.signals import EXIT_STOPPED, GOES_ON, INTERRUPTED, Stopped
from cli import arguments, flagfile
from cli.help import help_page, is_asked_for
from cli.streams import flush, open_streams, put

EXIT_USER = 2
EXIT_INTERRUPTED = 130  # 128 + SIGINT, as a shell says it
_WRITE_FIXES = {
    errno.ENOSPC: "free some space there",
    errno.EDQUOT: "free some of your quota",
    errno.EFBIG: "raise the limit on a file's size (ulimit -f)",
    errno.EROFS: "mount it for writing",
    errno.EACCES: "allow yourself to write there",
    errno.EPERM: "allow yourself to write there",
}
# What a path may be refused with by any call that takes one, as where a folder on its way may not be entered.
_PLACE_ERRORS = (errno.EACCES, errno.EPERM, errno.ENAMETOOLONG, errno.ELOOP, errno.EIO, errno.ESTALE)

Main = Callable[[flags.FlagValues, list[str]], None]


def run(script: Path, define_flags: Callable[[flags.FlagValues], None], main: Main) -> None:
    """Defines the flags of the script at a path, parses the command line and calls `main(flags, words)`; never returns.

    Exits with 0; 2 and one line for the user's mistakes; 75 for a stop on request; 1 with a traceback for ours.
    """
    open_streams()
    define_flags(flags.FLAGS)
    try:
        app.run(lambda argv: call(main, argv[1:]), flags_parser=functools.partial(parse, script))
    except SystemExit as end:
        if isinstance(end.code, int | None):
            # Said is all, and written whole. Python's own end takes TensorFlow apart, which takes a second, and would
            # wait for the threads of an input graph that nobody wants any more: for half a minute and longer.
            flush(sys.stdout)
            flush(sys.stderr)
            os._exit(end.code or 0)
        raise


def parse(script: Path, argv: list[str]) -> list[str]:
    """What is left of the command line once absl has taken the flags; exits where it cannot, and after help."""
    values = flags.FLAGS
    if is_asked_for(argv[1:]):
        put(help_page(script, values, shutil.get_terminal_size().columns))
        sys.exit(0)
    try:
        return [argv[0], *arguments.parse(script.stem, flagfile.expand(argv[1:]), values)]
    except UserError as error:
        _fail(str(error))
    except SystemExit as end:
        sys.exit(0 if end.code == 1 else end.code)  # --helpfull: absl exits with 1


def call(main: Main, words: list[str]) -> None:
    """Calls `main`; what the user can put right, and a stop, end the process with one line and their exit code."""
    logging.set_verbosity(logging.ERROR)  # TensorFlow's notes on its own SavedModel files
    try:
        main(flags.FLAGS, words)
    except UserError as error:
        _fail(str(error))
    except WriteError as error:
        fix = _WRITE_FIXES.get(error.errno, "check the disk")
        _fail(f"{str(error.filename)!r} cannot be written ({error.strerror}): {fix}, and give the same command again")
    except OSError as error:
        if error.filename is None or error.errno not in _PLACE_ERRORS:
            raise
        _fail(f"{os.fsdecode(error.filename)!r} cannot be used: {error.strerror}; check the path and its permissions")
    except Stopped as stopped:
        _exit(EXIT_STOPPED, f"{stopped}; {GOES_ON}")
    except KeyboardInterrupt:
        _exit(EXIT_INTERRUPTED, INTERRUPTED)
    flush(sys.stdout)


def refuse_arguments(words: list[str]) -> None:
    """Raises UserError for a word that is not a flag."""
    if words:
        raise arguments.no_flag(words[0], flags.FLAGS)


def _fail(text: str) -> None:
    _exit(EXIT_USER, "error: " + " ".join(text.split()))


def _exit(code: int, line: str) -> None:
    with contextlib.suppress(OSError):
        print(line, file=sys.stderr)
    flush(sys.stdout)
    flush(sys.stderr)
    sys.exit(code)
