"""How long models take for a picture, on this machine, in turns."""

import itertools
import statistics
import time
from collections.abc import Callable, Sequence

BATCHES = (1, 32)  # pictures a call: a picture that somebody waits for, and a folder of them
ROUNDS = 5
_ROUND_SECONDS = 0.2  # for a model and batch: a call of a small network takes a thousandth of a second

Model = Callable[[Sequence[bytes]], object]


def milliseconds_a_picture(
    models: Sequence[Model], contents: Sequence[bytes], clock: Callable[[], float] = time.perf_counter
) -> list[dict[int, float]]:
    """For each model, pictures a call -> milliseconds a picture: the median of `ROUNDS` rounds.

    A model takes encoded pictures, and has its answer when it returns. In every round each one is called in turn, so
    that what else the machine does falls on all alike; the first call, which traces and allocates, is not counted.
    """
    spent = [{batch: [] for batch in BATCHES} for _ in models]
    batches = {batch: _batches(contents, batch) for batch in BATCHES}
    for model, batch in itertools.product(models, BATCHES):
        model(next(batches[batch]))
    for _ in range(ROUNDS):
        for batch, (model, its) in itertools.product(BATCHES, zip(models, spent, strict=True)):
            its[batch].append(1000 * _seconds_a_call(model, batches[batch], clock) / batch)
    return [{batch: statistics.median(values) for batch, values in its.items()} for its in spent]


def _seconds_a_call(model: Model, batches, clock: Callable[[], float]) -> float:
    begun, calls = clock(), 0
    while calls == 0 or clock() - begun < _ROUND_SECONDS:
        model(next(batches))
        calls += 1
    return (clock() - begun) / calls


def _batches(contents: Sequence[bytes], size: int):
    """Batches without an end, each of the pictures that come next."""
    pictures = itertools.cycle(contents)
    while True:
        yield list(itertools.islice(pictures, size))
