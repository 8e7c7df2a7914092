"""Named points at which a test kills the process, as a power cut or the kernel's memory killer would.

`PENSTOCK_KILL_POINT=point:n`, which a script arms at its start, has the process send itself a SIGKILL when it comes to
`point` for the n-th time. In every real run nothing is armed.
"""

import itertools
import os
import signal

VARIABLE = "PENSTOCK_KILL_POINT"
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
    "attention.drawn",  # the maps of what the model looked at, which are in memory
    "results.written",  # the report is missing
)
# Those of work on frozen features, which not every run does.
FEATURE_POINTS = ("features.batch",)  # the features of a batch of pictures written
# That of the process that has several runs done, one after another.
SEVERAL_POINTS = ("run.ended",)  # one of them has ended, the next one is not begun


class _Armed:
    point, visit = "", 0
    visits = itertools.count(1)  # next() of it is atomic, and points are reached from several threads


def arm(value: str) -> None:
    """Has `reach` kill as "point:n" says, and never where `value` is empty; raises ValueError for any other value."""
    known = POINTS + FEATURE_POINTS + SEVERAL_POINTS
    point, _, visit = value.rpartition(":")
    if value and (point not in known or not visit.isdecimal() or int(visit) < 1):
        raise ValueError(f"{VARIABLE}={value}: it must be point:n, n from 1 on, with a point of {', '.join(known)}")
    _Armed.point, _Armed.visit, _Armed.visits = point, int(visit or 0), itertools.count(1)


def reach(point: str) -> None:
    """Kills the process where this is the visit of the point that is armed."""
    if point == _Armed.point and next(_Armed.visits) == _Armed.visit:
        os.kill(os.getpid(), signal.SIGKILL)
