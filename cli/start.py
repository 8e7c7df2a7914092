"""What the scripts share: the run's flags, exit codes, one-line errors, and flags.md.

The only module besides the scripts that knows absl. They take its flags from here: where it is not installed, this
module says so before they ask for it.
"""

import contextlib
import errno
import os
import signal
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import TextIO

# TensorFlow's C++ notes would stand between the log lines; what fails there comes through as an exception.
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
# Whatever Keras is set to elsewhere.
os.environ["KERAS_BACKEND"] = "tensorflow"


def _quietly(kind: type[BaseException], error: BaseException, trace) -> None:
    """A Ctrl-C before `_guard` stands is no fault to be traced; Python then dies by SIGINT, which a shell calls 130."""
    if issubclass(kind, KeyboardInterrupt):
        print(_INTERRUPTED, file=sys.stderr)
    else:
        sys.__excepthook__(kind, error, trace)


_INTERRUPTED = "interrupted; nothing half-written is left"
sys.excepthook = _quietly
_interrupt = signal.getsignal(signal.SIGINT)
if _interrupt is signal.default_int_handler:  # else it is ignored, as in the background
    signal.signal(signal.SIGINT, signal.SIG_DFL)  # NumPy would make an ImportError of 40 lines of the exception

try:
    from absl import app, flags, logging

    from base import durable
    from base.errors import UserError
    from base.signals import EXIT_STOPPED, Stopped
except ModuleNotFoundError as missing:
    print(
        f"error: {missing.name} is not installed for {sys.executable}: run make setup and use .venv/bin/python, or pip "
        "install -r requirements.txt",
        file=sys.stderr,
    )
    sys.exit(2)
finally:
    signal.signal(signal.SIGINT, _interrupt)

EXIT_USER = 2
EXIT_INTERRUPTED = 130  # 128 + SIGINT, as a shell says it
EXIT_PIPE = 141  # 128 + SIGPIPE
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


def run(define_flags: Callable[[flags.FlagValues], None], main: Callable[[flags.FlagValues, list[str]], None]) -> None:
    """Defines the flags, parses the command line and calls `main(flags, arguments)`; never returns.

    Exits with 0; 2 and one line for the user's mistakes; 75 for a stop on request; 1 with a traceback for ours.
    """
    _open_streams()
    define_flags(flags.FLAGS)
    app.run(lambda argv: _guard(main, argv[1:]), flags_parser=_parse)


def default_cache_dir() -> Path:
    """$XDG_CACHE_HOME/penstock, or ~/.cache/penstock (XDG Base Directory Specification).

    Raises UserError where there is no home, as for a user number without an account in a container.
    """
    try:
        return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "penstock"
    except RuntimeError:
        raise UserError("no home folder is known to keep indexes and packs in: give --cache_dir, or set HOME") from None


def expand_home(text: str) -> str:
    """A path, or a folder:PATH, with its ~ expanded.

    Shells leave the ~ of --run_dir=~/x as it is, and a folder called ~ is one that somebody removes with his home.
    """
    kind, colon, path = text.rpartition("folder:")
    return kind + colon + os.path.expanduser(path)


def path_of(text: str) -> Path:
    """A flag's value as a path."""
    return Path(expand_home(text))


def cache_dir(values: flags.FlagValues) -> Path:
    """--cache_dir or its default."""
    return path_of(values.cache_dir) if values.cache_dir else default_cache_dir()


def given(values: flags.FlagValues, names: tuple[str, ...]) -> dict:
    """The flags of `names` that the user gave, by name."""
    return {name: values[name].value for name in names if values[name].value is not None}


def import_tensorflow() -> None:
    """Imports TensorFlow without the notices that it prints before it listens to TF_CPP_MIN_LOG_LEVEL.

    What it printed is shown where the import fails. Raises UserError where TensorFlow cannot be loaded, or would find
    no folder for temporary files, which it wants at once. Scripts call this once their flags are known to be good: a
    typing mistake is answered in a tenth of a second, the import takes four.
    """
    try:
        tempfile.gettempdir()
    except FileNotFoundError as error:
        raise UserError(f"{error.strerror}: free some room there, or set TMPDIR to a folder that has some") from None
    with open(os.memfd_create("notices"), "w+b") as captured:  # in memory: the disk may be full
        standard_error = os.dup(2)
        os.dup2(captured.fileno(), 2)
        try:
            import tensorflow  # noqa: F401
        except ImportError as error:
            lines = str(error).split("\n")  # of which most may be a traceback
            reason = next((line for line in reversed(lines) if "Error: " in line), lines[0])
            raise UserError(
                f"TensorFlow cannot be loaded ({reason}): allow more memory (ulimit -v), or install it again with pip "
                "install -r requirements.txt"
            ) from None
        except Exception:
            captured.seek(0)
            os.write(standard_error, captured.read())
            raise
        finally:
            os.dup2(standard_error, 2)
            os.close(standard_error)


def refuse_arguments(arguments: list[str]) -> None:
    """Raises UserError for a word that is not a flag."""
    if arguments:
        raise UserError(f"{arguments[0]!r} is not a flag: options are written --name=value")


def put(line: str) -> None:
    """Writes a line of a script's result to standard output, now.

    Ends the process where nobody reads on, as after `| head`; raises UserError where it cannot be written.
    """
    try:
        print(line, flush=True)
    except OSError as error:
        _give_up(sys.stdout)
        if isinstance(error, BrokenPipeError):
            sys.exit(EXIT_PIPE)
        raise UserError(
            f"the result cannot be written to standard output ({error.strerror}): send it to another place"
        ) from None


def _open_streams() -> None:
    """Makes standard input, output and error fit to be used, whatever they are.

    Started with one of them closed, a program would get its number for the next file that it opens, and libjpeg would
    write its warnings into a checkpoint. Folders may be called what is no text, and a terminal may not know their
    letters: they are shown escaped, as standard error does by itself.
    """
    for number in range(3):
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, os.O_RDWR)  # the lowest number that is free
    sys.stdout = sys.stdout or open(1, "w")  # noqa: SIM115 - as long as the process
    sys.stderr = sys.stderr or open(2, "w")  # noqa: SIM115
    sys.stdout.reconfigure(errors="backslashreplace")


def _parse(argv: list[str]) -> list[str]:
    try:
        return flags.FLAGS(argv)
    except (flags.Error, UnicodeError) as error:  # a flagfile may be no text
        _fail(str(error))
    except SystemExit:
        sys.exit(0)  # --help: absl exits with 1


def _guard(main, arguments: list[str]) -> None:
    logging.set_verbosity(logging.ERROR)  # TensorFlow's notes on its own SavedModel files
    try:
        main(flags.FLAGS, arguments)
    except UserError as error:
        _fail(str(error))
    except durable.WriteError as error:
        fix = _WRITE_FIXES.get(error.errno, "check the disk")
        _fail(f"{str(error.filename)!r} cannot be written ({error.strerror}): {fix}, and give the same command again")
    except OSError as error:
        if error.filename is None or error.errno not in _PLACE_ERRORS:
            raise
        _fail(f"{os.fsdecode(error.filename)!r} cannot be used: {error.strerror}; check the path and its permissions")
    except Stopped as stopped:
        _exit(EXIT_STOPPED, f"{stopped}; the same command goes on from there")
    except KeyboardInterrupt:
        _exit(EXIT_INTERRUPTED, _INTERRUPTED)
    _flush(sys.stdout)


def _fail(text: str) -> None:
    _exit(EXIT_USER, "error: " + " ".join(text.split()))


def _exit(code: int, line: str) -> None:
    with contextlib.suppress(OSError):
        print(line, file=sys.stderr)
    _flush(sys.stdout)
    _flush(sys.stderr)
    sys.exit(code)


def _flush(stream: TextIO) -> None:
    """Writes out what is buffered; the exit code tells the rest, even where the disk of the log is full."""
    try:
        stream.flush()
    except OSError:
        _give_up(stream)


def _give_up(stream: TextIO) -> None:
    """What is left in the stream's buffer goes nowhere: Python would try again at its end, and exit with 120."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())
