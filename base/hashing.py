"""Keys and numbers that are functions of their arguments alone: no generator, no state, no order of calls."""

import hashlib

import numpy as np


def fold_key(*parts: object) -> int:
    """A 64-bit key from any parts, by SHA-256; unlike `seed + epoch`, neighbouring arguments share nothing."""
    text = "/".join(str(part) for part in parts)
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "little")


def splitmix64(values: np.ndarray) -> np.ndarray:
    """uint64 -> uint64, a bijection whose output bits look random.

    The finaliser of SplitMix64: Steele, Lea and Flood, "Fast splittable pseudorandom number generators", 2014,
    with the constants of variant 13 by David Stafford.
    """
    with np.errstate(over="ignore"):
        mixed = np.asarray(values, np.uint64) + np.uint64(0x9E3779B97F4A7C15)
        mixed = (mixed ^ (mixed >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        mixed = (mixed ^ (mixed >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        return mixed ^ (mixed >> np.uint64(31))


def uniform(values: np.ndarray) -> np.ndarray:
    """uint64 random bits -> float64 in [0, 1), from the upper 53 bits."""
    return (values >> np.uint64(11)) * (1.0 / (1 << 53))
