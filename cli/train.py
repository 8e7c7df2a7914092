"""train.py's flags, and the run that they describe."""

import contextlib
import datetime
import os
import re
from pathlib import Path

from absl import flags

from base.errors import UserError, unknown_name
from base.signals import listen
from cli import paths, several
from cli.flags import define_run_flags, given_of, options_of
from cli.guard import refuse_arguments
from cli.quiet_import import import_tensorflow
from jobs.options import RunOptions, chosen_lines, notes_on
from pipeline.sources.catalog import open_catalog
from pipeline.sources.folders import check_outside
from records.claim import RESUMES, claim, claim_new


def define_flags(values: flags.FlagValues) -> None:
    """train.py's flags."""
    define_run_flags(values)
    paths.define_cache_dir(values)
    flags.DEFINE_string("run_dir", None, "the run folder; the default is runs/DATASET/TIME", flag_values=values)
    flags.DEFINE_string(
        "sweep", None, "a file with a line of flags a run: trains them one after another, in folders of their own in "
        "--run_dir, and ranks them by validation", flag_values=values,
    )  # fmt: skip
    flags.DEFINE_boolean(
        "find_learning_rate", False, "train nothing: try growing rates from the initial weights, write the losses and "
        "their curve into the run folder, and suggest a --learning_rate", flag_values=values,
    )  # fmt: skip
    flags.DEFINE_string(
        "resume",
        "auto",
        "auto continues the run in --run_dir, never refuses one that is there, must refuses its absence",
        flag_values=values,
    )


def _job(finds_rate: bool):
    """What is done with the options; imports TensorFlow."""
    if finds_rate:
        from jobs.find_rate import find_learning_rate

        return find_learning_rate
    from jobs.train import train

    return train


def main(values: flags.FlagValues, arguments: list[str]) -> None:
    """Flags -> options -> one run, or several."""
    refuse_arguments(arguments)
    if values.resume not in RESUMES:
        fix = "a run goes on when the same command is given again with its --run_dir"
        raise unknown_name("--resume", values.resume, RESUMES, fix)
    if values.run_dir == "":
        raise UserError("--run_dir is empty: name a folder, or leave it out for a new one in runs")
    if values.sweep is not None:
        run_dir = values.run_dir or default_run_dir(Path(values.sweep).stem)
        several.run_sweep(values, define_flags, paths.path_of(str(run_dir)))
        return
    options = options_of(values)
    run_dir = paths.path_of(values.run_dir) if values.run_dir else default_run_dir(options.data.dataset)
    does = several.run_folds if options.data.folds and not options.data.fold else _train
    does(values, options, run_dir)


def _train(values: flags.FlagValues, options: RunOptions, run_dir: Path) -> None:
    """One run, or its range test."""
    dataset, data_dir = options.data.dataset, options.data.data_dir
    check_outside("--run_dir", run_dir, dataset, data_dir)
    cache_dir = paths.cache_dir(values.cache_dir)
    if dataset.startswith("tfds:"):
        import_tensorflow()  # which TFDS would import with all its notices
    is_given = values.run_dir or values.resume == "must"
    held = claim(run_dir, values.resume, cache_dir) if is_given else claim_new(run_dir)
    # Before the data is there, nothing is worth saving: a signal stops at once.
    with listen(at_once=True) as stop, held as folder:
        catalog = open_catalog(dataset, data_dir, cache_dir, labels_csv=options.data.labels_csv)
        folder.keep = import_tensorflow(folder.made)
        job = _job(values.find_learning_rate)
        from reports.progress import Terminal

        with contextlib.closing(Terminal(stop)) as watch:
            chosen = (*chosen_lines(dataset, given_of(values)), *notes_on(options))
            job(options, folder, catalog, cache_dir, watch, chosen)


def default_run_dir(dataset: str) -> Path:
    """runs/DATASET/TIME, with the data set's name, or that of the pictures' folder, made fit for a folder."""
    kind, _, folder = dataset.partition(":")
    name = f"folder-{os.path.basename(os.path.abspath(folder))}" if kind == "folder" else dataset
    name = re.sub(r"[^\w.]+", "-", name.replace("..", "")).strip("-")
    return Path("runs") / name / datetime.datetime.now().strftime("%Y-%m-%d-%H%M%S")
