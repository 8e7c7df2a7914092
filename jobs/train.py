"""A training, from options to a finished run folder: the order in which things happen."""

import dataclasses
from pathlib import Path

import tensorflow as tf
from jobs.epochs import learn
from jobs.state import build_on, make_loop
from jobs.trouble import naming_troubles

from base.watch import Watch
from jobs.announce import announce
from jobs.finish import finish
from jobs.options import RunOptions, flagfile
from jobs.resume import check_identity, identity_of, newest_checkpoint
from jobs.run import Run
from pipeline.data import load, look
from pipeline.sources.folders import Catalog
from records.run_folder import RunFolder
from reports.sheets import draw_sheets
from reports.summaries import open_summaries
from training import device


# No function here leaves its control flow to AutoGraph, which writes each one that it looks at to a file in the
# machine's temporary folder: a killed run would leave twenty of them there.
@tf.autograph.experimental.do_not_convert
def train(options: RunOptions, folder: RunFolder, catalog: Catalog, cache_dir: Path, watch: Watch) -> dict:
    """Trains, scores and exports; returns what results.json holds.

    Raises UserError for what the user can repair, Stopped after a SIGTERM or SIGINT, with a checkpoint to resume from.
    """
    old = folder.adopt(options)
    results = folder.results()
    if results is not None:
        watch.say(f"finished already: {folder.path}; another --run_dir trains again")
        return results
    hardware = device.apply(device.choose(device.look(), options.training, options.threads or old.get("threads", 0)))
    options = dataclasses.replace(options, threads=hardware.threads)
    saved = newest_checkpoint(folder, watch)
    with open_summaries(folder, watch) as summaries:
        overview = look(catalog, options.data, cache_dir, options.threads, watch)
        # Too small a picture, and weights that cannot be had, are told before anything is decoded.
        model = build_on(hardware, options, overview, with_weights=saved is None)
        data = load(overview, options.data, cache_dir, options.threads, watch)
        run = Run(options, hardware, folder, watch, summaries, data)
        identity = identity_of(run)
        check_identity(saved, identity, run)  # before anything is written: what cannot be continued stays as it is
        loop = make_loop(run, model, identity)
        folder.write_options(options.to_json())
        folder.write_flags(flagfile(options))
        folder.write_split(data.split_rows())
        announce(run)
        with naming_troubles(run):
            sheets = draw_sheets(data, options.augment, options.seed)
            if saved:
                ...
            learn(run, loop, sheets)
            return finish(run, loop, sheets)
