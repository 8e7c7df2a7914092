"""Every example exactly once an epoch, for every count, batch size and number of shards; and no memory."""

import itertools

import numpy as np
import pytest

from base.errors import UserError
from pipeline.order import Order, fitting_size, permutation, shard_size

BATCH = 12
COUNTS = [1, 2, BATCH - 1, BATCH, BATCH + 1, 3 * BATCH, 37, 101]


def ids_of(count: int) -> np.ndarray:
    """Example ids as a split has them: ascending, with holes, not from 0."""
    return 7 + 3 * np.arange(count, dtype=np.int64)


@pytest.mark.parametrize("count", COUNTS)
@pytest.mark.parametrize("shards", [1, 2, 3])
def test_every_example_comes_once_an_epoch_whatever_the_shards(count, shards):
    order = Order(ids_of(count), BATCH, seed=5, shuffle=True)
    steps = order.steps_per_epoch
    assert steps == (count + BATCH - 1) // BATCH
    for epoch in range(3):
        seen = []
        for step in range(epoch * steps, (epoch + 1) * steps):
            parts = [order.rows(step, shard, shards) for shard in range(shards)]
            real = np.concatenate([rows.example_ids[rows.mask] for rows in parts])
            assert {rows.global_examples for rows in parts} == {len(real)}
            assert {rows.epoch for rows in parts} == {epoch}
            assert all(rows.example_ids.shape == rows.mask.shape == (BATCH // shards,) for rows in parts)
            seen.extend(real)
        assert sorted(seen) == ids_of(count).tolist()


@pytest.mark.parametrize("count", COUNTS)
@pytest.mark.parametrize("shards", [2, 3, 4])
def test_the_shards_of_a_batch_are_the_batch_in_order(count, shards):
    order = Order(ids_of(count), BATCH, seed=5, shuffle=True)
    for step in range(2 * order.steps_per_epoch):
        whole = order.rows(step)
        parts = [order.rows(step, shard, shards) for shard in range(shards)]
        np.testing.assert_array_equal(np.concatenate([rows.example_ids for rows in parts]), whole.example_ids)
        np.testing.assert_array_equal(np.concatenate([rows.mask for rows in parts]), whole.mask)


def test_padding_stands_at_the_end_of_the_last_batch_and_repeats_a_real_example():
    order = Order(ids_of(29), BATCH, seed=1, shuffle=True)
    assert [order.rows(step).global_examples for step in range(6)] == [12, 12, 5, 12, 12, 5]
    for step in (0, 1, 3):
        assert order.rows(step).mask.all()
    last = order.rows(2)
    assert last.mask.tolist() == [True] * 5 + [False] * 7
    assert set(last.example_ids[5:]) == {last.example_ids[0]}
    assert (last.example_ids.dtype, last.mask.dtype) == (np.int64, bool)


def test_without_shuffle_every_epoch_is_in_file_order():
    order = Order(ids_of(25), BATCH, seed=9, shuffle=False)
    for epoch in range(2):
        batches = [order.rows(3 * epoch + step) for step in range(3)]
        ids = np.concatenate([rows.example_ids[rows.mask] for rows in batches])
        np.testing.assert_array_equal(ids, ids_of(25))


def test_a_step_has_no_memory():
    def rows(order, step, shard):
        found = order.rows(step, shard, 3)
        return (*found.example_ids.tolist(), *found.mask.tolist(), found.epoch, found.global_examples)

    calls = list(itertools.product(range(20), range(3)))
    fresh = {call: rows(Order(ids_of(37), BATCH, seed=3, shuffle=True), *call) for call in calls}
    order = Order(ids_of(37), BATCH, seed=3, shuffle=True)
    for number in np.random.default_rng(0).permutation(len(calls)):
        assert rows(order, *calls[number]) == fresh[calls[number]]


def test_epochs_and_seeds_differ():
    orders = {tuple(permutation(50, seed, epoch)) for seed in range(5) for epoch in range(5)}
    assert len(orders) == 25
    np.testing.assert_array_equal(permutation(50, 1, 2), permutation(50, 1, 2))


def test_the_order_of_a_seed_never_changes():
    # A changed order would make every old run impossible to resume or repeat.
    assert permutation(10, seed=1, epoch=0).tolist() == [3, 5, 7, 6, 9, 8, 4, 1, 0, 2]


@pytest.mark.parametrize("count", [1, 2, 3, 97, 1000])
def test_a_permutation_has_every_number_once(count):
    order = permutation(count, 4, 2)
    assert order.dtype == np.int64
    assert np.sort(order).tolist() == list(range(count))


def test_epochs_and_seeds_are_uncorrelated():
    count = 5000
    orders = [permutation(count, 1, epoch) for epoch in range(10)] + [permutation(count, seed, 0) for seed in (2, 3, 4)]
    places = [np.argsort(order) for order in orders]
    # The standard error of a correlation of 5,000 pairs is 0.014.
    for kind in (orders, places):
        table = np.corrcoef(np.stack([*kind, np.arange(count)])) - np.eye(len(kind) + 1)
        assert np.abs(table).max() < 0.05
    for one, two in itertools.pairwise(places):
        shifts = np.bincount((one - two) % count // (count // 100), minlength=100) / count
        assert shifts.max() < 0.02
    neighbours = np.abs(np.diff(orders[0]))
    assert abs(neighbours.mean() / count - 1 / 3) < 0.02


def test_all_orders_of_five_come_up():
    seen = {tuple(permutation(5, 1, epoch)) for epoch in range(1500)}
    assert len(seen) == 120


def test_an_empty_split_is_refused():
    with pytest.raises(UserError, match="the split is empty: it must hold at least one example"):
        Order(ids_of(0), BATCH, seed=1, shuffle=True)


@pytest.mark.parametrize(
    ("size", "shards", "nearest"), [(64, 3, "63 or 66"), (2, 4, "nearest are 4"), (65, 2, "64 or 66")]
)
def test_a_batch_that_cannot_be_shared_is_told_the_nearest_sizes(size, shards, nearest):
    with pytest.raises(UserError) as caught:
        shard_size(size, shards)
    for word in (f"--global_batch_size={size}", f"{shards} replicas", f"multiple of {shards}", nearest):
        assert word in str(caught.value)


def test_shard_sizes_that_fit():
    assert [shard_size(64, shards) for shards in (1, 2, 4, 64)] == [64, 32, 16, 1]


@pytest.mark.parametrize(
    ("asked", "examples", "replicas", "size"),
    [
        (64, 66, 1, 64),
        (66, 66, 1, 66),
        (5000, 66, 1, 66),
        (5000, 66, 2, 66),
        (5000, 66, 4, 64),
        (65_536, 1, 1, 1),
        (8, 3, 4, 4),  # a row a replica, one of which is padding
        (64, 20, 8, 16),
        (0, 100_000, 1, 64),
        (0, 3200, 1, 64),
        (0, 3199, 1, 32),
        (0, 1600, 2, 32),
        (0, 1599, 1, 16),
        (0, 20, 1, 16),
        (0, 10, 1, 10),
        (0, 1599, 3, 18),  # the next that three can share
    ],
)
def test_a_batch_has_no_more_rows_than_the_split_has_examples(asked, examples, replicas, size):
    assert fitting_size(asked, examples, replicas) == size
