"""A training, from options to a finished run folder: the order in which things happen."""

import dataclasses
import time
from pathlib import Path

import tensorflow as tf

from base.watch import Watch
from jobs.announce import announce
from jobs.epochs import learn, make_loop
from jobs.finish import finish
from jobs.options import RunOptions, flagfile
from jobs.resume import check_identity, go_on, identity_of, newest_checkpoint
from jobs.run import Run
from jobs.trouble import naming_trouble
from models.zoo import build_model
from pipeline import data
from pipeline.order import shard_size
from pipeline.sources.folders import Catalog
from pipeline.sources.splits import split_rows
from records.run_folder import RunFolder
from reports.sheets import augmentation_sheet, sample_sheet
from reports.summaries import open_summaries
from training import device


# No function here leaves its control flow to AutoGraph, which writes each one that it looks at to a file in the
# machine's temporary folder: a killed run would leave twenty of them there.
@tf.autograph.experimental.do_not_convert
def train(options: RunOptions, folder: RunFolder, catalog: Catalog, cache_dir: Path, watch: Watch) -> dict:
    """Trains, scores and exports; returns what results.json holds.

    Raises UserError for what the user can put right, Stopped after a SIGTERM or SIGINT, with a checkpoint to go on
    from.
    """
    began_seconds = time.monotonic()
    old = folder.adopt(options)
    results = folder.results_if_finished()
    if results is not None:
        watch.say(f"finished already: {folder.results.path}; another --run_dir trains again")
        return results
    hardware = device.apply(device.choose(device.look(), options.training, options.threads or old.get("threads", 0)))
    options = dataclasses.replace(options, threads=hardware.threads)
    shard_size(options.training.global_batch_size, hardware.replicas)
    with open_summaries(folder, watch) as summaries:
        saved = newest_checkpoint(folder, watch)
        overview = data.look(catalog, options.data, cache_dir, options.threads, watch)
        # Too small a picture, and weights that cannot be had, are told before anything is decoded.
        with hardware.scope():
            model = build_model(options.model.to_restore() if saved else options.model, options.seed,
                                len(overview.manifest.class_names), overview.pixel_format.shape)  # fmt: skip
        loaded = data.load(overview, options.data, cache_dir, options.threads, watch)
        run = Run(options, hardware, folder, watch, summaries, loaded, began_seconds)
        identity = identity_of(run)
        check_identity(saved, identity, run)  # before anything is written: what cannot be continued stays as it is
        loop = make_loop(run, model, identity)
        folder.options.write(options.to_json())
        folder.flags.write(flagfile(options))
        folder.split.write(split_rows(loaded.manifest, loaded.splits))
        announce(run)
        with naming_trouble(run):
            sheets = sample_sheet(loaded), augmentation_sheet(loaded, options.augment, options.seed)
            if old:
                go_on(run, loop, saved)
            learn(run, loop, sheets)
            return finish(run, loop, sheets)
