"""A training, from options to a finished run folder: the order in which things happen."""

import dataclasses
from pathlib import Path

import tensorflow as tf

from base.watch import Watch
from jobs.announce import announce
from jobs.epochs import learn, make_loop
from jobs.finish import finish
from jobs.options import RunOptions
from jobs.resume import check_identity, go_on, identity_of, newest_checkpoint
from jobs.run import open_run
from jobs.trouble import naming_trouble
from pipeline.sources.folders import Catalog
from records.run_folder import RunFolder
from reports.sheets import augmentation_sheet, sample_sheet


# No function here leaves its control flow to AutoGraph, which writes each one that it looks at to a file in the
# machine's temporary folder: a killed run would leave twenty of them there.
@tf.autograph.experimental.do_not_convert
def train(options: RunOptions, folder: RunFolder, catalog: Catalog, cache_dir: Path, watch: Watch) -> dict:
    """Trains, scores and exports; returns what results.json holds.

    Raises UserError for what the user can put right, Stopped after a SIGTERM or SIGINT, with a checkpoint to go on
    from.
    """
    old = folder.adopt(options)
    results = folder.results_if_finished()
    if results is not None:
        watch.say(f"finished already: {folder.results.path}; another --run_dir trains again")
        return results
    options = dataclasses.replace(options, threads=options.threads or old.get("threads", 0))
    saved = newest_checkpoint(folder, watch)
    with open_run(options, folder, catalog, cache_dir, watch, restores=saved is not None) as (run, model):
        identity = identity_of(run)
        check_identity(saved, identity, run)  # before anything is written: what cannot be continued stays as it is
        loop = make_loop(run, model, identity)
        run.write_down()
        announce(run)
        with naming_trouble(run):
            sheets = sample_sheet(run.data), augmentation_sheet(run.data, run.options.augment, run.options.seed)
            if old:
                go_on(run, loop, saved)
            learn(run, loop, sheets)
            return finish(run, loop, sheets)
