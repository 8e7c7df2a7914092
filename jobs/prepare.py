"""What prepare.py does: check, split, pack, and show what training will see; with a probe, what it may reach."""

import os
from pathlib import Path

from base import durable
from base.errors import UserError
from base.results import ResultFolder
from base.watch import Watch
from jobs.announce import announce_data
from jobs.label_issues import write_doubts
from jobs.options import RunOptions
from jobs.probe import build_probed, choose_hardware, probe
from pipeline.data import Data, Overview, TooManyBad, load, look
from pipeline.sources.catalog import open_catalog
from pipeline.sources.folders import check_outside
from records.prepared_folder import PreparedFolder
from records.tables import refused_rows
from reports.contact_sheet import Sheet, draw_sheet
from reports.data_page import render_data_report
from reports.sheets import augmentation_sheet, sample_sheet


def prepare(options: RunOptions, out_dir: Path, cache_dir: Path, watch: Watch, is_probed: bool = False) -> None:
    """Writes the tables of the split and of what is not used, two sheets and a report to `out_dir`, the pack to
    `cache_dir`; where `is_probed`, also what a linear head reaches on the features of the model's weights.

    Raises UserError for files of these names in `out_dir` that are not prepare.py's.
    """
    folder = _open_folder(options, out_dir)
    hardware = choose_hardware(options) if is_probed else None
    folder.quarantine.write([])
    try:
        overview = _look(options, cache_dir, watch)
        # Before the pictures are decoded: weights that cannot be had are told at once.
        model = build_probed(options, overview, watch) if is_probed else None
        data = load(overview, options.data, cache_dir, _threads(options), watch)
    except TooManyBad as bad:
        folder.quarantine.write(refused_rows(bad.quarantine))
        raise
    announce_data(options, data, watch)
    sheets = _write_data(options, folder, data)
    figures, rows, sections, names = {}, [], [], folder.names(is_probed)
    if is_probed:
        figures, rows, doubts, ids = probe(options, data, model, hardware, cache_dir, watch)
        folder.probe.write(figures)
        folder.probe_predictions.write(data.manifest.class_names, rows)
        sections, more_names = write_doubts(folder, data, doubts, ids)
        names += more_names
    folder.report.write(_draw_report(options, folder, data, sheets, figures, rows, sections))
    watch.say(f"written     {out_dir}: {', '.join(names)}")


def load_data(options: RunOptions, cache_dir: Path, watch: Watch) -> Data:
    """Both phases of the data, with nothing in between."""
    return load(_look(options, cache_dir, watch), options.data, cache_dir, _threads(options), watch)


def _open_folder(options: RunOptions, out_dir: Path) -> PreparedFolder:
    """The folder, made, in which nothing of the user's is replaced."""
    check_outside("--out_dir", out_dir, options.data.dataset, options.data.data_dir)
    folder = PreparedFolder(out_dir)
    if folder.is_a_runs:
        raise UserError(f"--out_dir={out_dir} is a run folder, and its tables are the run's: give another folder")
    results = (
        ResultFolder("--out_dir", out_dir, folder.beginnings, folder.pictures),
        ResultFolder("--out_dir", out_dir, folder.more_beginnings, ()),
    )
    for one in results:
        one.check()
    for one in results:
        with one.open():
            pass
    return folder


def _write_data(options: RunOptions, folder: PreparedFolder, data: Data) -> tuple[Sheet, Sheet]:
    """Writes the tables and the sheets of samples and of augmented ones, which it gives back."""
    folder.quarantine.write(refused_rows(data.quarantine))
    folder.aside.write(refused_rows(data.aside))
    folder.split.write(data.split_rows())
    with data.naming_changes():
        sheets = sample_sheet(data), augmentation_sheet(data, options.augment, options.seed)
    for path, sheet in zip((folder.samples, folder.augmented), sheets, strict=True):
        durable.write_bytes(path, draw_sheet(sheet))
    return sheets


def _draw_report(options, folder, data, sheets, figures, rows, more) -> str:
    return render_data_report(
        dataset=options.data.dataset,
        data_origin=data.manifest.data_origin,
        class_names=data.manifest.class_names,
        split=data.split_rows(),
        quarantine=folder.quarantine.read(),
        aside=folder.aside.read(),
        notes=data.notes,
        sheets=sheets,
        probe=figures,
        predictions=rows,
        more=more,
    )


def _look(options: RunOptions, cache_dir: Path, watch: Watch) -> Overview:
    catalog = open_catalog(options.data.dataset, options.data.data_dir, cache_dir, watch, options.data.labels_csv)
    return look(catalog, options.data, cache_dir, _threads(options), watch)


def _threads(options: RunOptions) -> int:
    return options.threads or len(os.sched_getaffinity(0))
