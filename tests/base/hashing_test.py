"""Keys and numbers: published vectors, a bijection, and no pattern between neighbours."""

import numpy as np

from base.hashing import fold_key, splitmix64, uniform


def test_splitmix64_gives_the_published_sequence():
    # The first outputs of SplitMix64 with seed 1234567: the state after n steps is seed + n times the golden gamma.
    gamma = 0x9E3779B97F4A7C15
    states = np.array([(1234567 + n * gamma) % 2**64 for n in range(4)], np.uint64)
    expected = [6457827717110365317, 3203168211198807973, 9817491932198370423, 4593380528125082431]
    assert splitmix64(states).tolist() == expected


def test_splitmix64_keeps_different_inputs_different():
    values = np.arange(200_000, dtype=np.uint64)
    for shift in (0, 20, 44):
        assert len(np.unique(splitmix64(values << np.uint64(shift)))) == len(values)


def test_fold_key_is_a_fixed_function_of_all_its_parts():
    # A changed key would change the order and the augmentation of every old run.
    assert fold_key("order", 1, 0) == 10607440194626387973
    keys = {fold_key("order", seed, epoch) for seed in range(30) for epoch in range(30)}
    assert len(keys) == 900
    assert fold_key("a", 12, 3) != fold_key("a", 1, 23)
    assert all(0 <= key < 2**64 for key in keys)


def test_uniform_fills_the_half_open_unit_interval():
    ends = uniform(np.array([0, 2**64 - 1], np.uint64))
    assert ends[0] == 0.0
    assert 1 - 2e-16 < ends[1] < 1.0
    draws = np.sort(uniform(splitmix64(np.arange(20_000, dtype=np.uint64))))
    # Kolmogorov-Smirnov distance; 1.63 / sqrt(n) is its 1 % bound.
    assert np.abs(draws - (np.arange(20_000) + 0.5) / 20_000).max() < 1.63 / np.sqrt(20_000)


def test_neighbouring_numbers_share_no_bits():
    mixed = splitmix64(np.arange(4096, dtype=np.uint64))
    flipped = np.unpackbits((mixed[1:] ^ mixed[:-1]).view(np.uint8)).mean()
    assert abs(flipped - 0.5) < 0.01
