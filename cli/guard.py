"""What stands around a script's `main`: absl's parser before it, and behind it the exit codes and one-line errors."""

import contextlib
import errno
import os
import sys
from collections.abc import Callable

from absl import app, flags, logging

from base.durable import WriteError
from base.errors import UserError
from base.signals import EXIT_STOPPED, INTERRUPTED, Stopped
from cli.streams import flush, open_streams

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


def run(define_flags: Callable[[flags.FlagValues], None], main: Main) -> None:
    """Defines the flags, parses the command line and calls `main(flags, arguments)`; never returns.

    Exits with 0; 2 and one line for the user's mistakes; 75 for a stop on request; 1 with a traceback for ours.
    """
    open_streams()
    absls_own = set(flags.FLAGS)
    define_flags(flags.FLAGS)
    for name in set(flags.FLAGS) - absls_own:  # --help shows those of the script's own module, and all are elsewhere
        flags.FLAGS.register_key_flag_for_module(sys.argv[0], flags.FLAGS[name])
    app.run(lambda argv: call(main, argv[1:]), flags_parser=parse)


def parse(argv: list[str]) -> list[str]:
    """What is left of the command line once absl has taken the flags; exits where it cannot."""
    try:
        return flags.FLAGS(argv)
    except (flags.Error, UnicodeError) as error:  # a flagfile may be no text
        _fail(str(error))
    except SystemExit:
        sys.exit(0)  # --help: absl exits with 1


def call(main: Main, arguments: list[str]) -> None:
    """Calls `main`; what the user can put right, and a stop, end the process with one line and their exit code."""
    logging.set_verbosity(logging.ERROR)  # TensorFlow's notes on its own SavedModel files
    try:
        main(flags.FLAGS, arguments)
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
        _exit(EXIT_STOPPED, f"{stopped}; the same command goes on from there")
    except KeyboardInterrupt:
        _exit(EXIT_INTERRUPTED, INTERRUPTED)
    flush(sys.stdout)


def refuse_arguments(arguments: list[str]) -> None:
    """Raises UserError for a word that is not a flag."""
    if arguments:
        raise UserError(f"{arguments[0]!r} is not a flag: options are written --name=value")


def _fail(text: str) -> None:
    _exit(EXIT_USER, "error: " + " ".join(text.split()))


def _exit(code: int, line: str) -> None:
    with contextlib.suppress(OSError):
        print(line, file=sys.stderr)
    flush(sys.stdout)
    flush(sys.stderr)
    sys.exit(code)
