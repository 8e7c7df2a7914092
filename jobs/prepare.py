"""What prepare.py does: check, split, pack, and show what training will see."""

import dataclasses
import os
from collections.abc import Callable
from pathlib import Path

from base import durable
from base.errors import UserError
from base.places import check_results, naming, sweep
from base.signals import StopRequest
from jobs.announce import announce_data, refused_rows
from pipeline.data import Data, DataOptions, TooManyBad, load_data
from pipeline.sources.catalog import open_catalog
from pipeline.sources.folders import Catalog, check_outside
from pipeline.sources.splits import split_rows, train_on_validation
from records.run_folder import RunFolder
from records.tables import QUARANTINE, SPLIT
from reports.progress import Reporter
from reports.sheets import augmentation_sheet, sample_sheet
from training.options import RunOptions

# How the tables begin, and the pictures that are written after them.
_TABLES = {table.name: table.beginning for table in (QUARANTINE, SPLIT)}
_PICTURES = ("samples.png", "augmented.png")


def prepare(options: RunOptions, out_dir: Path, cache_dir: Path) -> None:
    """Writes split.csv, quarantine.csv, samples.png and augmented.png to `out_dir`, and the pack to `cache_dir`.

    Raises UserError for files of these names in `out_dir` that are not prepare.py's.
    """
    check_outside("--out_dir", out_dir, options.dataset, options.data_dir)
    folder = RunFolder(out_dir)  # for the tables that a run has too
    if folder.has_begun:
        raise UserError(f"--out_dir={out_dir} is a run folder, and its tables are the run's: give another folder")
    check_results("--out_dir", out_dir, _TABLES, _PICTURES)
    with naming("--out_dir", out_dir):
        out_dir.mkdir(parents=True, exist_ok=True)
        for name in (*_TABLES, *_PICTURES):
            sweep(out_dir / name)
        folder.write_quarantine([])
    reporter = Reporter()
    catalog = open_catalog(options.dataset, options.data_dir, cache_dir)
    try:
        data = prepare_data(options, catalog, cache_dir, reporter)
    except TooManyBad as bad:
        folder.write_quarantine(refused_rows(bad.quarantine))
        raise
    announce_data(options, data, reporter)
    folder.write_quarantine(refused_rows(data.quarantine))
    folder.write_split(split_rows(data.manifest, data.splits))
    with data.pixels.naming_changes():
        durable.write_bytes(out_dir / "samples.png", sample_sheet(data))
        durable.write_bytes(out_dir / "augmented.png", augmentation_sheet(data, options.augment, options.seed))
    reporter.say(f"written     {out_dir}: quarantine.csv, split.csv, samples.png, augmented.png")


def prepare_data(
    options: RunOptions,
    catalog: Catalog,
    cache_dir: Path,
    reporter: Reporter,
    stop: StopRequest | None = None,
    before_decoding: Callable = lambda num_classes, pixel_shape: None,
) -> Data:
    """Checks, splits and packs the pictures of a catalog, as `pipeline.data.load_data`; raises Stopped where `stop` is
    set meanwhile."""
    data_options = DataOptions(
        options.image_size, options.color_mode, options.bit_depth, options.full_scale, options.cache,
        options.on_bad_image, options.max_bad_fraction, options.split_fractions, options.split_seed, cache_dir,
        options.threads or len(os.sched_getaffinity(0)),
    )  # fmt: skip
    started = []

    def go_on() -> None:
        if stop:
            stop.check("before the first step")

    def on_progress(done: int, total: int) -> None:
        go_on()
        if not started:
            reporter.start("decoding", total)
            started.append(True)
        reporter.update(done)

    go_on()
    try:
        data = load_data(catalog, data_options, on_progress, reporter.say, go_on, before_decoding)
    finally:
        reporter.stop()
    if options.full_train:
        data = dataclasses.replace(data, splits=train_on_validation(data.splits))
    return data
