"""The import of TensorFlow, without its notices."""

import contextlib
import functools
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import IO

from base.errors import UserError
from cli import last_words
from training.environment import check_environment

_LAST_WORDS = Path(last_words.__file__)


def import_tensorflow(made: Sequence[Path] = ()) -> Callable[[], None]:
    """Imports TensorFlow without the notices that it prints before it listens to TF_CPP_MIN_LOG_LEVEL.

    What it printed is shown where the import fails, or ends the process. Scripts call this once their flags are known
    to be good: a typing mistake is answered in a tenth of a second, the import takes four.

    Args:
      made: a lock and the folders that were made for it, the inmost first; they go where the process dies, now or
        later, as long as they hold nothing else.

    Returns:
      What is to be called once they may stay.

    Raises:
      UserError: TensorFlow cannot be loaded, or would find no folder for temporary files, which it wants at once, or
        an environment that ends the process.
    """
    # Its C++ notes would stand between the log lines; what fails there comes through as an exception.
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    os.environ["KERAS_BACKEND"] = "tensorflow"  # whatever Keras is set to elsewhere
    check_environment()
    try:
        tempfile.gettempdir()
    except FileNotFoundError as error:
        raise UserError(f"{error.strerror}: free some room there, or set TMPDIR to a folder that has some") from None
    if sys.modules.get("tensorflow"):
        return lambda: None
    with _standard_error_kept(made) as keep:
        try:
            import tensorflow  # noqa: F401
        except ImportError as error:
            lines = str(error).split("\n")  # of which most may be a traceback
            cause = next((line for line in reversed(lines) if "Error: " in line), lines[0])
            raise UserError(
                f"TensorFlow cannot be loaded ({cause}): allow more memory (ulimit -v), or install it again with pip "
                "install -r requirements.txt"
            ) from None
    return keep


@contextlib.contextmanager
def _standard_error_kept(made: Sequence[Path]) -> Iterator[Callable[[], None]]:
    """Keeps back what the block writes to standard error; shown where the block fails, or the process dies in it.

    Gives what is to be called once `made` may stay. Where nobody could say it after this process, nothing is kept back.
    """
    with open(os.memfd_create("notices"), "w+b") as said:  # in memory: the disk may be full
        shown = os.dup(2)
        watcher = _start_last_words(said, shown, made)
        try:
            if watcher:
                os.dup2(said.fileno(), 2)
            yield functools.partial(_end, watcher)
        except (UserError, KeyboardInterrupt):
            raise
        except (Exception, SystemExit):
            os.write(shown, os.pread(said.fileno(), os.fstat(said.fileno()).st_size, 0))
            raise
        finally:
            os.dup2(shown, 2)
            os.close(shown)
            if watcher and made:
                with contextlib.suppress(BrokenPipeError):
                    os.write(watcher.stdin.fileno(), last_words.LOADED)
            else:
                _end(watcher)


def _start_last_words(said: IO[bytes], shown: int, made: Sequence[Path]) -> subprocess.Popen | None:
    """The process that says it; None where there can be none, or it would be ended with this one: process 1 of a
    container takes all others with it."""
    if os.getpid() == 1 or not sys.executable:
        return None
    numbers = said.fileno(), shown
    command = [sys.executable, "-S", _LAST_WORDS, "0", *map(str, numbers), *made]
    try:
        # A session of its own: a Ctrl-C of the terminal is for this process.
        return subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                                pass_fds=numbers, start_new_session=True)  # fmt: skip
    except OSError:  # no memory, or too many processes
        return None


def _end(watcher: subprocess.Popen | None) -> None:
    if watcher and watcher.returncode is None:
        watcher.communicate(b"x")
