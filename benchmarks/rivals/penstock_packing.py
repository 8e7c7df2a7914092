"""Penstock: decoding the training pictures into a pack in an empty cache folder, checksums and flush included."""

import os
import shutil
import time
from collections.abc import Callable
from pathlib import Path


def turn(data_dir: str, scratch: Path) -> Callable[[], float]:
    """A function that packs and gives pictures/s; the index is made before."""
    from benchmarks.rivals import SIZE
    from pipeline.decoding.pack import open_or_build_pack
    from pipeline.decoding.pixel_format import PixelFormat
    from pipeline.sources.folders import catalog_of_folder
    from pipeline.sources.index import build_index

    threads = len(os.sched_getaffinity(0))
    cache_dir = scratch / "packing"
    manifest = build_index(catalog_of_folder(Path(data_dir, "train")), scratch / "packing-index", threads)

    def pack() -> float:
        shutil.rmtree(cache_dir, ignore_errors=True)
        began = time.perf_counter()
        open_or_build_pack(manifest, PixelFormat.square(SIZE, 3, 8), cache_dir, threads)
        return len(manifest) / (time.perf_counter() - began)

    return pack
