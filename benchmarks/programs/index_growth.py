"""Index, split, order and first batch of a folder, in this process: seconds of each.

python -m benchmarks.programs.index_growth FOLDER CACHE_DIR prints JSON: seconds by stage, files, and the bytes that
were held once TensorFlow was imported.
"""

import json
import os
import sys
import time
from pathlib import Path

import tensorflow as tf  # noqa: F401 - what is held now is the bare TensorFlow process

from benchmarks.processes import held_bytes

BARE_BYTES = held_bytes("self")

from decoding.options import PixelFormat
from pipeline.graph import make_train_dataset
from pipeline.options import AugmentOptions
from pipeline.order import Order
from pipeline.pixels import StreamedPixels
from pipeline.stages import StageClock
from sources.folders import catalog_of_folder
from sources.index import Manifest, build_index
from sources.splits import make_splits

import numpy as np  # isort: skip

BATCH, SIDE = 64, 8


def main(folder: str, cache_dir: str) -> None:
    """The stages one after another, each with its seconds."""
    threads, seconds = len(os.sched_getaffinity(0)), {}

    def timed(stage: str, work):
        began = time.perf_counter()
        result = work()
        seconds[stage] = time.perf_counter() - began
        return result

    manifest = timed("index", lambda: build_index(catalog_of_folder(Path(folder)), Path(cache_dir), threads))
    nothing = np.zeros(0, np.int64)
    splits = timed("split", lambda: make_splits(manifest, nothing, (0.6, 0.2, 0.2), seed=1))
    order = timed("order", lambda: _ready_order(splits.ids["train"]))
    timed("first batch", lambda: _first_batch(manifest, order, threads))
    print(json.dumps({"seconds": seconds, "files": len(manifest), "bare_bytes": BARE_BYTES}))


def _ready_order(example_ids: np.ndarray) -> Order:
    order = Order(example_ids, BATCH, seed=1, shuffle=True)
    order.rows(0)
    return order


def _first_batch(manifest: Manifest, order: Order, threads: int) -> None:
    """Streamed from the files; tracing the graph is in it, and takes most of it."""
    pixels = StreamedPixels(manifest, PixelFormat(SIDE, 3, 8), threads)
    dataset = make_train_dataset(
        order, pixels, manifest.labels, AugmentOptions(),
        seed=1, full_scale=255, first_step=0, last_step=order.steps_per_epoch, clock=StageClock(),
    )  # fmt: skip
    next(iter(dataset))


if __name__ == "__main__":
    main(*sys.argv[1:])
