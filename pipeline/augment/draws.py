"""(seed, epoch, example id, knob) -> a uniform number.

A picture's augmentation depends on nothing else: not on its place in a batch, the number of workers, or restarts.
"""

from collections.abc import Sequence

import numpy as np

from base.hashing import fold_key, splitmix64, uniform


def draw(seed: int, epoch: int, example_ids: np.ndarray, knobs: Sequence[str]) -> np.ndarray:
    """float64 [examples, knobs] in [0, 1), for int64 `example_ids` [examples].

    A knob's name is part of its key, so a new knob leaves the draws of the others as they were.
    """
    keys = np.array([fold_key("augment", seed, epoch, knob) for knob in knobs], np.uint64)
    # Mixing twice: ids differ in their low bits only, and an xor alone would give shifted copies between knobs.
    mixed_ids = splitmix64(np.asarray(example_ids).astype(np.uint64))
    return uniform(splitmix64(mixed_ids[:, None] ^ keys[None, :]))
