"""Penstock: the warm pack."""

import sys
import tempfile
from pathlib import Path

from benchmarks.rivals import BATCH


def batches(data_dir: str, cache: str = "pack"):
    """As train.py makes them."""
    import commandline

    commandline.import_tensorflow()
    from jobs.prepare import prepare_data
    from pipeline.graph import make_train_dataset
    from pipeline.order import Order
    from reports.progress import Reporter
    from sources.catalog import open_catalog
    from training.options import resolve

    sys.stdout.flush()
    cache_dir = Path(tempfile.mkdtemp(prefix="penstock-benchmark-"))
    options = resolve("catdog", {"data_dir": data_dir, "cache": cache})
    data = prepare_data(options, open_catalog("catdog", data_dir, cache_dir), cache_dir, Reporter())
    order = Order(data.splits.ids["train"], BATCH, 1, shuffle=True)
    dataset = make_train_dataset(
        order, data.pixels, data.manifest.labels, options.augment,
        seed=1, full_scale=data.full_scale, first_step=0, last_step=10**9,
    )  # fmt: skip
    return (batch["image"] for batch in dataset)
