"""Where a step goes, in words, from a profile that TensorFlow wrote."""

import collections
import re
from collections.abc import Iterator
from pathlib import Path

from tensorflow.tsl.profiler.protobuf import xplane_pb2

MOST_OPS = 6
_OP = re.compile(r"[^:]+:_?(?:MklNative|Mkl)?(\w+)")  # "node:OpType"; oneDNN's kernels under their ops' usual names
_STEP_THREADS = "tf_Compute"  # tf.data's threads have other names


def where_a_step_goes(path: Path) -> str:
    """The mean time of a step and the op types that take most of it, the largest first.

    `path` is an xplane.pb with a "train" event a step. Only CPUs: on a GPU the host's ops are over when their kernels
    are queued, so the words are empty there, as they are where no op was seen.
    """
    space = xplane_pb2.XSpace.FromString(path.read_bytes())
    if any(plane.name.startswith("/device:") and plane.lines for plane in space.planes):
        return ""
    steps, ops = [], []
    for thread, name, began, ended in _events(space):
        if name == "train":
            steps.append((began, ended))
        elif thread.startswith(_STEP_THREADS) and (match := _OP.fullmatch(name)):
            ops.append((match[1], began, ended))
    seconds = collections.Counter()
    for op, began, ended in ops:
        # What runs between two steps (validation, at an epoch's end) is no part of one.
        if any(first <= began < last for first, last in steps):
            seconds[op] += ended - began
    if not seconds:
        return ""
    step_ms = sum(ended - began for began, ended in steps) / len(steps) / 1e9
    shares = ", ".join(f"{op} {100 * part / seconds.total():.0f}%" for op, part in seconds.most_common(MOST_OPS))
    return f"{step_ms:.3g} ms; of the time in its ops {shares}"


def _events(space: xplane_pb2.XSpace) -> Iterator[tuple[str, str, int, int]]:
    """(thread, name, began, ended) of each event, in picoseconds."""
    for plane in space.planes:
        for line in plane.lines:
            for event in line.events:
                began = 1000 * line.timestamp_ns + event.offset_ps
                yield line.name, plane.event_metadata[event.metadata_id].name, began, began + event.duration_ps
