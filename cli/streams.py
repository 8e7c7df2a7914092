"""Standard input, output and error, whatever they are connected to."""

import os
import sys
from typing import TextIO

from base.errors import UserError

EXIT_PIPE = 141  # 128 + SIGPIPE, as a shell says it


def open_streams() -> None:
    """Makes all three fit to be used.

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


def flush(stream: TextIO) -> None:
    """Writes out what is buffered; the exit code tells the rest, even where the disk of the log is full."""
    try:
        stream.flush()
    except OSError:
        _give_up(stream)


def _give_up(stream: TextIO) -> None:
    """What is left in the stream's buffer goes nowhere: Python would try again at its end, and exit with 120."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())
