"""Penstock without a pack: every picture from its file in every epoch."""

from benchmarks.rivals import penstock_pack


def batches(data_dir: str):
    """As train.py --cache=none makes them."""
    return penstock_pack.batches(data_dir, cache="none")
