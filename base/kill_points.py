"""Named points at which a test kills the process, as a power cut or the kernel's memory killer would.

`PENSTOCK_FAULT=point:n` has the process send itself a SIGKILL when it comes to `point` for the n-th time. Without that
variable, as in every real run, `reach` is an empty function.
"""

import itertools
import os
import signal
import sys
from collections.abc import Callable

VARIABLE = "PENSTOCK_FAULT"
# In the order in which a run comes to them first; durable's (file, folder) are met by every kind of write.
POINTS = (
    "index.file",  # a file of the index inspected
    "file.written",  # a temporary file written, not flushed
    "file.flushed",  # flushed, not renamed
    "file.renamed",  # renamed, its folder not flushed
    "pack.picture",  # a picture written to the pack
    "folder.written",  # all files of a temporary folder written, none flushed
    "folder.flushed",  # flushed, not renamed
    "folder.renamed",  # renamed, its parent not flushed
    "step.begin",  # a batch at hand
    "step.updated",  # the optimizer has updated, no checkpoint is written
    "validation.begin",
    "validation.end",
    "checkpoint.variables",  # between the two files of a checkpoint
    "checkpoint.saved",  # the new one whole, older ones not yet deleted, so the best epoch's may be either
    "checkpoint.deleted",  # one of the older ones deleted
    "history.written",
    "summary.written",  # points handed to TensorBoard's writer, not flushed
    "export.saved",  # the SavedModel written, not proved
    "export.proved",
    "results.written",  # the report is missing
)


def _make_reach(wanted: str) -> Callable[[str], None]:
    """`reach` for a value of the variable; raises ValueError for one that names no point."""
    if not wanted:
        return lambda point: None
    name, _, number = wanted.rpartition(":")
    if name not in POINTS or not number.isdecimal() or int(number) < 1:
        raise ValueError(f"{VARIABLE}={wanted}: it must be point:n, n from 1 on, with a point of {', '.join(POINTS)}")
    visits = itertools.count(1)  # next() of it is atomic, and points are reached from several threads

    def reach(point: str) -> None:
        if point == name and next(visits) == int(number):
            os.kill(os.getpid(), signal.SIGKILL)

    return reach


try:
    reach = _make_reach(os.environ.get(VARIABLE, ""))
except ValueError as error:
    print(f"error: {error}", file=sys.stderr)
    sys.exit(2)
