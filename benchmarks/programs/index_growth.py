"""Index, split, order and first batch of a folder, in this process: seconds of each.

python -m benchmarks.programs.index_growth FOLDER CACHE_DIR prints JSON: seconds by stage, files, and the bytes that
were held once TensorFlow was imported.
"""

import json
import os
import sys
import time
from pathlib import Path

import numpy as np

from base import allocator
from benchmarks.processes import held_bytes

BATCH, SIDE = 64, 8


def main(folder: str, cache_dir: str) -> None:
    """The stages one after another, each with its seconds."""
    allocator.keep_freed_memory()
    import tensorflow  # noqa: F401 - a bare TensorFlow process, before anything of ours

    bare_bytes = held_bytes("self")
    from pipeline.order import Order
    from pipeline.sources.folders import catalog_of_folder
    from pipeline.sources.index import build_index
    from pipeline.sources.splits import make_splits

    threads, seconds = len(os.sched_getaffinity(0)), {}

    def timed(stage: str, work):
        began = time.perf_counter()
        result = work()
        seconds[stage] = time.perf_counter() - began
        return result

    def ready_order() -> Order:
        order = Order(splits.ids["train"], BATCH, seed=1, shuffle=True)
        order.rows(0)
        return order

    nothing_refused = np.zeros(0, np.int64)
    manifest = timed("index", lambda: build_index(catalog_of_folder(Path(folder)), Path(cache_dir), threads))
    splits = timed("split", lambda: make_splits(manifest, nothing_refused, (0.6, 0.2, 0.2), seed=1))
    order = timed("order", ready_order)
    timed("first batch", lambda: first_batch(manifest, order, threads))
    print(json.dumps({"seconds": seconds, "files": len(manifest), "bare_bytes": bare_bytes}))


def first_batch(manifest, order, threads: int) -> None:
    """Streamed from the files; tracing the graph is in it, and takes most of it."""
    from pipeline.decoding.pixel_format import PixelFormat
    from pipeline.graph import make_train_dataset
    from pipeline.pixels import StreamedPixels
    from pipeline.plan import Plan

    pixels = StreamedPixels(manifest, PixelFormat.square(SIDE, 3, 8), threads)
    plan = Plan(order, manifest.labels, pixels.pixel_format, seed=1)
    next(iter(make_train_dataset(plan, pixels, 0, order.steps_per_epoch)))


if __name__ == "__main__":
    main(*sys.argv[1:])
