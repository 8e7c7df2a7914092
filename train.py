"""Trains an image classifier from pictures on disk.

python train.py --dataset=realsense --epochs=15
"""

import datetime
import re
from pathlib import Path

from cli import run_flags, start
from cli.start import flags
from training.options import RESUMES


def define_flags(values: flags.FlagValues) -> None:
    """train.py's flags."""
    run_flags.define_data_flags(values)
    run_flags.define_train_flags(values)
    flags.DEFINE_string("run_dir", None, "the run folder; the default is runs/DATASET/TIME", flag_values=values)
    flags.DEFINE_string(
        "resume",
        "auto",
        "auto continues the run in --run_dir, never refuses one that is there, must refuses its absence",
        flag_values=values,
    )


def main(values: flags.FlagValues, arguments: list[str]) -> None:
    """Flags -> options -> one run."""
    from base.errors import UserError, unknown_name
    from base.signals import listen
    from pipeline.sources.catalog import open_catalog
    from pipeline.sources.folders import check_outside
    from records.claim import claim, claim_new

    start.refuse_arguments(arguments)
    if values.resume not in RESUMES:
        raise unknown_name("--resume", values.resume, RESUMES)
    options = run_flags.options_of(values, run_flags.DATA_FLAGS + run_flags.TRAIN_FLAGS)
    if values.run_dir == "":
        raise UserError("--run_dir is empty: name a folder, or leave it out for a new one in runs")
    run_dir = start.path_of(values.run_dir) if values.run_dir else default_run_dir(options.dataset)
    check_outside("--run_dir", run_dir, options.dataset, options.data_dir)
    cache_dir = start.cache_dir(values)
    if options.dataset.startswith("tfds:"):
        start.import_tensorflow()  # which TFDS would import with all its notices
    # Before the data is there, nothing is worth saving: a signal stops at once.
    is_given = values.run_dir or values.resume == "must"
    held = claim(run_dir, values.resume, cache_dir) if is_given else claim_new(run_dir)
    with listen(at_once=True), held as folder:
        catalog = open_catalog(options.dataset, options.data_dir, cache_dir)
        start.import_tensorflow()
        from jobs.train import run

        run(options, folder, catalog, cache_dir, run_flags.flagfile_of)


def default_run_dir(dataset: str) -> Path:
    """runs/DATASET/TIME, with the data set's name made fit for a folder."""
    name = re.sub(r"[^\w.]+", "-", dataset.replace("..", "")).strip("-")
    return Path("runs") / name / datetime.datetime.now().strftime("%Y-%m-%d-%H%M%S")


if __name__ == "__main__":
    start.run(define_flags, main)
