"""Keras's modern way from the files, without its cache."""

from benchmarks.rivals import keras_layers


def batches(data_dir: str):
    """Decodes in every epoch."""
    return keras_layers.batches(data_dir, cached=False)
