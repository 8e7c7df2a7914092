"""(seed, epoch) -> a permutation; step -> the examples of a global batch; a shard's rows of it.

Nothing here has state: the order of any epoch costs one sort. That makes a run resumable from one integer.
"""

import dataclasses
import functools

import numpy as np

from base.errors import UserError
from base.hashing import fold_key, splitmix64

# What a global batch may have where nobody says, and the fewest steps of an epoch that it should leave: 13 of 64
# pictures, 30 epochs long, were too few updates to learn 43 classes.
DEFAULT_SIZES, LEAST_STEPS = (16, 32, 64), 50


def permutation(count: int, seed: int, epoch: int) -> np.ndarray:
    """int64 [count], every number from 0 to count - 1 once; another order for every seed and epoch.

    Sorts 64-bit keys, so every one of the count! orders can come up; no shuffle buffer, whose window would keep
    neighbours together.
    """
    key = np.uint64(fold_key("order", seed, epoch))
    return np.argsort(splitmix64(np.arange(count, dtype=np.uint64) ^ key), kind="stable")


@dataclasses.dataclass(frozen=True)
class Rows:
    """Some rows of one global batch, in `epoch` (from 0), which has `global_examples` real ones over all its shards.

    `example_ids` are int64 [rows]; `mask` bool [rows], False on padding, whose ids repeat the batch's first example.
    """

    example_ids: np.ndarray
    mask: np.ndarray
    epoch: int
    global_examples: int


class Order:
    """The global batches of a split: every example exactly once an epoch, the last batch padded."""

    def __init__(self, example_ids: np.ndarray, global_batch_size: int, seed: int, shuffle: bool):
        """Args: `example_ids` int64 [examples] in file order; `shuffle` False keeps that order (evaluation)."""
        if not len(example_ids):
            raise UserError("the split is empty: it must hold at least one example")
        self.example_ids = np.asarray(example_ids, np.int64)
        self.global_batch_size = global_batch_size
        self._seed = seed
        self._shuffle = shuffle
        # Two epochs: prefetching reaches over the boundary while the old epoch's last batches are still asked for.
        self._epoch_ids = functools.lru_cache(maxsize=2)(self._make_epoch_ids)

    @property
    def steps_per_epoch(self) -> int:
        """ceil(examples / global batch size)."""
        return -(-len(self.example_ids) // self.global_batch_size)

    def rows(self, step: int, shard: int = 0, shards: int = 1) -> Rows:
        """Shard `shard` of `shards` of the global batch of `step` (counted from 0 over all epochs)."""
        epoch, step_in_epoch = divmod(step, self.steps_per_epoch)
        start = step_in_epoch * self.global_batch_size
        ids = self._epoch_ids(epoch)[start : start + self.global_batch_size]
        padded = np.full(self.global_batch_size, ids[0], np.int64)
        padded[: len(ids)] = ids
        mask = np.arange(self.global_batch_size) < len(ids)
        size = shard_size(self.global_batch_size, shards)
        mine = slice(shard * size, (shard + 1) * size)
        return Rows(padded[mine], mask[mine], epoch, len(ids))

    def _make_epoch_ids(self, epoch: int) -> np.ndarray:
        if not self._shuffle:
            return self.example_ids
        return self.example_ids[permutation(len(self.example_ids), self._seed, epoch)]


def fitting_size(asked: int, examples: int, replicas: int) -> int:
    """The global batch size that stands for the one `asked` for, a multiple of `replicas`: no batch has more rows than
    the split has examples, or one a replica, for the rest would be padding that is computed in every step.

    For 0 it is the largest of `DEFAULT_SIZES` that makes `LEAST_STEPS` steps an epoch, or the smallest of them.
    """
    if not asked:
        asked = max([size for size in DEFAULT_SIZES if size * LEAST_STEPS <= examples] or DEFAULT_SIZES[:1])
        asked = -(-asked // replicas) * replicas
    return asked if asked <= examples else max(1, examples // replicas) * replicas


def shard_size(global_batch_size: int, shards: int) -> int:
    """The per-replica batch size; raises UserError, with the nearest sizes that work, where it is not whole."""
    size, rest = divmod(global_batch_size, shards)
    if rest:
        below, above = size * shards, (size + 1) * shards
        fitting = f"{below} or {above}" if below else str(above)
        raise UserError(
            f"--global_batch_size={global_batch_size} cannot be shared by {shards} replicas: it must be a multiple of "
            f"{shards}; the nearest are {fitting}"
        )
    return size
