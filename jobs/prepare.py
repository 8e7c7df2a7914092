"""What prepare.py does: check, split, pack, and show what training will see."""

import os
from pathlib import Path

from base import durable
from base.errors import UserError
from base.results import ResultFolder
from base.watch import Watch
from jobs.announce import announce_data
from jobs.options import RunOptions
from pipeline.data import Data, TooManyBad, load, look
from pipeline.sources.catalog import open_catalog
from pipeline.sources.folders import check_outside
from records.run_folder import RunFolder
from records.tables import QUARANTINE, SPLIT, refused_rows
from reports.contact_sheet import draw_sheet
from reports.sheets import augmentation_sheet, sample_sheet

_SAMPLES, _AUGMENTED = "samples.png", "augmented.png"


def prepare(options: RunOptions, out_dir: Path, cache_dir: Path, watch: Watch) -> None:
    """Writes the tables of the split and of what is not used and two sheets to `out_dir`, the pack to `cache_dir`.

    Raises UserError for files of these names in `out_dir` that are not prepare.py's.
    """
    check_outside("--out_dir", out_dir, options.data.dataset, options.data.data_dir)
    folder = RunFolder(out_dir)  # for the tables that a run has too
    if folder.has_begun:
        raise UserError(f"--out_dir={out_dir} is a run folder, and its tables are the run's: give another folder")
    tables = {one.path.name: QUARANTINE.beginning for one in (folder.quarantine, folder.aside)}
    tables[folder.split.path.name] = SPLIT.beginning
    results = ResultFolder("--out_dir", out_dir, tables, (_SAMPLES, _AUGMENTED))
    results.check()
    with results.open():
        folder.quarantine.write([])
    try:
        data = load_data(options, cache_dir, watch)
    except TooManyBad as bad:
        folder.quarantine.write(refused_rows(bad.quarantine))
        raise
    announce_data(options, data, watch)
    folder.quarantine.write(refused_rows(data.quarantine))
    folder.aside.write(refused_rows(data.aside))
    folder.split.write(data.split_rows())
    with data.naming_changes():
        durable.write_bytes(out_dir / _SAMPLES, draw_sheet(sample_sheet(data)))
        augmented = augmentation_sheet(data, options.augment, options.seed)
        durable.write_bytes(out_dir / _AUGMENTED, draw_sheet(augmented))
    watch.say(f"written     {out_dir}: {', '.join((*tables, _SAMPLES, _AUGMENTED))}")


def load_data(options: RunOptions, cache_dir: Path, watch: Watch) -> Data:
    """Both phases of the data, with nothing in between."""
    threads = options.threads or len(os.sched_getaffinity(0))
    catalog = open_catalog(options.data.dataset, options.data.data_dir, cache_dir, watch, options.data.labels_csv)
    return load(look(catalog, options.data, cache_dir, threads, watch), options.data, cache_dir, threads, watch)
