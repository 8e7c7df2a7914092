"""How long each stage of the input graph works on a batch.

The clock stands outside the batches: they stay a pure function of files, options and seed.
"""

import threading
import time
from collections import Counter
from collections.abc import Callable

import tensorflow as tf

STAGES = ("read", "decode", "augment")


class StageClock:
    """Seconds of work by stage, since the last `take`; fed by the input graph's threads."""

    def __init__(self):
        self._lock = threading.Lock()
        self._seconds, self._batches = Counter(), Counter()
        self._taken = dict.fromkeys(STAGES, 0.0)

    def timed(self, stage: str, lanes: int, function: Callable[[dict], dict]) -> Callable[[dict], dict]:
        """`function`, batch -> batch, for a graph that runs `lanes` of it at a time; its work counts for `stage`."""

        def wrapped(batch):
            result, seconds = stopwatch(function, batch)
            self.record({stage: (seconds, lanes)})
            return result

        return wrapped

    def record(self, stages: dict[str, tuple[tf.Tensor, int]]) -> None:
        """Inside a graph: adds float64 [] seconds, done by so many threads, to each of `stages`."""

        def add(*seconds) -> None:
            with self._lock:
                for (stage, (_, lanes)), value in zip(stages.items(), seconds, strict=True):
                    self._seconds[stage] += float(value) / lanes
                    self._batches[stage] += 1

        tf.numpy_function(add, [seconds for seconds, _ in stages.values()], [])

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
        began = _now()
    with tf.control_dependencies([began]):
        held = tf.nest.map_structure(tf.identity, arguments)
    result = function(*held)
    with tf.control_dependencies(tf.nest.flatten(result)):
        return result, _now() - began


def _now() -> tf.Tensor:
    """float64 [] seconds since some moment, inside a graph."""
    try:
        with tf.init_scope():
            tf.timestamp()
    except tf.errors.FailedPreconditionError:
        # Op determinism, which a run has on a GPU, forbids the graph's own clock. It is far cheaper elsewhere.
        return tf.ensure_shape(tf.numpy_function(time.perf_counter, [], tf.float64), [])
    return tf.timestamp()
