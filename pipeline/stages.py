"""How long each stage of the input graph works on a batch.

The clock stands outside the batches: they stay a pure function of files, options and seed.
"""

import threading
import time
from collections import Counter
from collections.abc import Callable, Mapping

import tensorflow as tf

STAGES = ("read", "decode", "augment")
_TRANSFERS = 3


class StageClock:
    """Seconds of work by stage, since the last `take`; fed by the input graph's threads."""

    def __init__(self):
        self._lock = threading.Lock()
        self._seconds, self._batches = Counter(), Counter()
        self._taken = dict.fromkeys(STAGES, 0.0)

    def timed(self, stage: str, parallel_calls: int, function: Callable[[dict], dict]) -> Callable[[dict], dict]:
        """`function`, batch -> batch, for a graph that runs `parallel_calls` at a time; its work counts for `stage`."""

        def wrapped(batch):
            result, seconds = stopwatch(function, batch)
            return self.record({stage: (seconds, parallel_calls)}, result)

        return wrapped

    def record(self, stages: dict[str, tuple[tf.Tensor, int]], batch: dict[str, tf.Tensor]) -> dict[str, tf.Tensor]:
        """Inside a graph: adds float64 [] seconds, done by so many threads, to each of `stages`; gives the batch back.

        The batch's ids pass through, so that the call is needed without being stateful: under op determinism a
        stateful one makes tf.data run its map on one thread.
        """

        def add(example_ids, *seconds):
            for (stage, (_, parallel_calls)), value in zip(stages.items(), seconds, strict=True):
                self.add(stage, float(value), parallel_calls)
            return example_ids

        inputs = [batch["example_id"], *(seconds for seconds, _ in stages.values())]
        ids = tf.numpy_function(add, inputs, tf.int64, stateful=False)
        return batch | {"example_id": tf.ensure_shape(ids, batch["example_id"].shape)}

    def add(self, stage: str, seconds: float, parallel_calls: int) -> None:
        """Outside a graph: a batch took `seconds` in `stage`, which works on `parallel_calls` of them at a time."""
        with self._lock:
            self._seconds[stage] += seconds / parallel_calls
            self._batches[stage] += 1

    def take(self) -> dict[str, float]:
        """By stage, how long it is busy with a batch while all its threads work; starts anew.

        What was taken last stands for a stage that has done nothing since: prefetching had it done before.
        """
        with self._lock:
            self._taken |= {stage: self._seconds[stage] / count for stage, count in self._batches.items()}
            self._seconds, self._batches = Counter(), Counter()
            return dict(self._taken)


def stopwatch(function: Callable, *arguments) -> tuple:
    """(function(*arguments), seconds float64 []), inside a graph: not before its inputs, not after its outputs."""
    with tf.control_dependencies(tf.nest.flatten(arguments)):
        began = _now(arguments)
    with tf.control_dependencies([began]):
        held = tf.nest.map_structure(tf.identity, arguments)
    result = function(*held)
    with tf.control_dependencies(tf.nest.flatten(result)):
        return result, _now(result) - began


def transfer_seconds(spec: Mapping[str, tf.TensorSpec], device: str) -> float:
    """How long a batch of this element spec takes from the host's memory to `device`, the least of three; 0.0 for ""
    (the host computes, and nothing moves)."""
    if not device:
        return 0.0
    with tf.device("CPU"):
        host = [tf.zeros(part.shape, part.dtype) for part in spec.values()]
    seconds = []
    for _ in range(_TRANSFERS):
        tf.test.experimental.sync_devices()
        began = time.perf_counter()
        with tf.device(device):
            moved = [tf.identity(tensor) for tensor in host]
        tf.test.experimental.sync_devices()  # copies are queued, not done, when the call returns
        del moved
        seconds.append(time.perf_counter() - began)
    return min(seconds)


def _now(after) -> tf.Tensor:
    """float64 [] seconds since some moment, inside a graph, once the tensors of `after` are there."""
    try:
        with tf.init_scope():
            tf.timestamp()
    except tf.errors.FailedPreconditionError:
        # Op determinism, which a run has on a GPU, forbids the graph's own clock, which is far cheaper. Python's is
        # asked without state, as in `record`; something of `after` goes in, or it would be taken for a constant.
        tensors = tf.nest.flatten(after)
        lead = tf.strings.length(tensors[0]) if tensors[0].dtype == tf.string else tf.reshape(tensors[0], [-1])[:1]
        clock = tf.numpy_function(lambda _: time.perf_counter(), [lead], tf.float64, stateful=False)
        return tf.ensure_shape(clock, [])
    return tf.timestamp()
