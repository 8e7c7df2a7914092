"""What a training step needs of memory, estimated from the model before anything is computed."""

from collections.abc import Iterator, Sequence
from pathlib import Path

import keras
import numpy as np
import tensorflow as tf

from base.errors import UserError
from pipeline.graph import AUGMENT_PARALLEL_CALLS, PREFETCH_BATCHES
from pipeline.pixels import PACK_PARALLEL_CALLS

_MEMINFO = Path("/proc/meminfo")
# (limit, use, what of it) of a container's memory: version 2 and version 1 of Linux's control groups.
_GROUPS = (
    ("/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory.current", "/sys/fs/cgroup/memory.stat"),
    ("/sys/fs/cgroup/memory/memory.limit_in_bytes", "/sys/fs/cgroup/memory/memory.usage_in_bytes",
     "/sys/fs/cgroup/memory/memory.stat"),
)  # fmt: skip
# Files that were read are counted as used until somebody needs the room.
_CACHED = ("active_file", "inactive_file")
_WAITING_BATCHES = PREFETCH_BATCHES + AUGMENT_PARALLEL_CALLS + PACK_PARALLEL_CALLS  # ready for the step or being made
# A step beyond this many times what is free ends in the kernel's killing it; nearer, the estimate may be wrong.
HOPELESS = 3.0


def step_bytes(model: keras.Model, held: Sequence, rows: int, replicas: int = 1) -> int:
    """Bytes that a step on `rows` examples takes, on all replicas of one machine together.

    `held` are the variables that training keeps, the model's own among them. Each layer's output is kept for the
    backward pass (Chen et al., "Training Deep Nets with Sublinear Memory Cost", 2016, section 3), which frees it as it
    goes: at worst the gradients on both sides of the largest one stand beside them all. Of a frozen layer nothing is
    kept. Each parameter that learns has a gradient; batches of float32 pictures wait for the step. On CPUs from half of
    what was measured to 1.6 times that.
    """
    outputs = list(_output_bytes(model))
    learning = sum(int(np.prod(variable.shape)) for variable in model.trainable_variables)
    pictures = 4 * _WAITING_BATCHES * int(np.prod(model.input_shape[1:]))
    kept = 4 * (learning + sum(int(np.prod(variable.shape)) for variable in held)) * replicas
    return kept + rows * (sum(outputs) + 2 * max(outputs, default=0) + pictures)


def free_bytes() -> int | None:
    """What the machine, or the container, has to spare; None where that is not known."""
    known = []
    for line in _lines(_MEMINFO):
        if line.startswith("MemAvailable:"):
            known.append(1024 * int(line.split()[1]))
    for limit, use, parts in _GROUPS:
        numbers = [text for path in (limit, use) for text in _lines(Path(path))]
        if len(numbers) == 2 and all(text.isdecimal() for text in numbers):
            known.append(int(numbers[0]) - int(numbers[1]) + _cached_bytes(Path(parts)))
    return min(known, default=None)


def _cached_bytes(parts: Path) -> int:
    """Of a container's memory.stat, in which version 1 has a line for the whole tree of groups beside its own."""
    values = dict(line.split(maxsplit=1) for line in _lines(parts) if " " in line)
    return sum(int(values.get(f"total_{name}", values.get(name, 0))) for name in _CACHED)


def memory_lines(needed: int, free: int | None, rows: int) -> list[str]:
    """What a log says of them; raises UserError where the step cannot fit."""
    step = f"a step on {rows} example{'s' * (rows > 1)} needs about {_shown(needed)}"
    if free is None:
        return [f"memory      {step}"]
    fix = "lower --global_batch_size or --image_size, or take a smaller --model"
    if needed > HOPELESS * free:
        raise UserError(f"{step} of memory and {_shown(free)} are free: {fix}")
    warning = [f"  warning   that is more than is free: {fix}, if the system ends the run"] if needed > free else []
    return [f"memory      {step}; {_shown(free)} are free", *warning]


def _output_bytes(model: keras.Model) -> Iterator[int]:
    """Of each layer that learns, an example."""
    for operation in model.operations:
        if isinstance(operation, keras.Model):
            yield from _output_bytes(operation)
        elif not isinstance(operation, keras.layers.InputLayer) and getattr(operation, "trainable", True):
            # Normalization is computed in float32 under every policy.
            is_wide = isinstance(operation, keras.layers.BatchNormalization | keras.layers.LayerNormalization)
            for output in keras.tree.flatten(operation.output):
                number_bytes = 4 if is_wide else tf.as_dtype(output.dtype).size
                yield number_bytes * int(np.prod(output.shape[1:]))


def _shown(count: int) -> str:
    return f"{count / 1e9:.1f} GB" if count >= 1e9 else f"{max(count / 1e6, 1):.0f} MB"


def _lines(path: Path) -> list[str]:
    try:
        return path.read_text().splitlines()
    except OSError:
        return []
