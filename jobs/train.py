"""A training, from options to a finished run folder: the order in which things happen."""

import dataclasses
from collections.abc import Mapping, Sequence
from pathlib import Path

import tensorflow as tf

from base.watch import Watch
from jobs.announce import announce, announce_memory
from jobs.decisions import check_decision
from jobs.duration import decide_epochs, recorded_epochs
from jobs.epochs import learn, make_loops
from jobs.finish import finish
from jobs.options import RunOptions, check_figures, check_fitted, notes_on
from jobs.resume import beginning_of, check_epochs, check_identity, go_on, identity_of, newest_checkpoint
from jobs.run import Run, open_run
from jobs.trouble import naming_trouble
from pipeline.sources.folders import Catalog
from records.run_folder import RunFolder
from reports.contact_sheet import Sheet
from reports.sheets import augmentation_sheet, sample_sheet
from training.loop import Loop
from training.phases import HEAD


# No function here leaves its control flow to AutoGraph, which writes each one that it looks at to a file in the
# machine's temporary folder: a killed run would leave twenty of them there.
@tf.autograph.experimental.do_not_convert
def train(
    options: RunOptions, folder: RunFolder, catalog: Catalog, cache_dir: Path, watch: Watch, chosen: Sequence[str] = ()
) -> dict:
    """Trains, scores and exports; returns what results.json holds. `chosen` are lines on what the user did not give.

    Raises UserError for what the user can put right, Stopped after a SIGTERM or SIGINT, with a checkpoint to go on
    from.
    """
    old = folder.adopt(options)
    options = recorded_epochs(options, old)
    results = folder.results_if_finished()
    is_over = results is not None and _is_what_was_asked(options, results)
    if is_over and not _is_elsewhere(options, old) and not _has_another_network(options, results):
        return _say_finished(results, folder, watch)
    for line in chosen:
        watch.say(line)
    options = dataclasses.replace(options, threads=options.threads or old.get("threads", 0))
    saved = newest_checkpoint(folder, watch)
    check_epochs(options, old, saved)
    weights = beginning_of(options, old, saved)
    with open_run(options, folder, catalog, cache_dir, watch, saved) as (opened, model):
        run = opened
        if not len(run.data.splits.ids["validation"]):
            check_figures(options.training, "there is no validation split")
            check_fitted(options.decision, "there is no validation split")
        check_decision(options.decision, run.data.manifest.class_names)
        identity = identity_of(run, weights)
        check_identity(saved, identity, run)  # before anything is written: what cannot be continued stays as it is
        if is_over:
            return _say_finished(results, folder, watch)
        loops = make_loops(run, model, identity, saved)
        announce(run)
        # Before a run is here: what cannot fit would only be continued with the same options.
        announce_memory(run, loops[-1].state)
        with naming_trouble(run):
            if options.training.train_minutes and not old:
                run = _of_fitting_length(run, loops)
                loops = make_loops(run, model, identity_of(run, weights), saved)
            run.write_down()
            sheets = _make_sheets(run)
            if old:
                go_on(run, loops[0], saved)
            if saved and results:  # scores and export came after the last checkpoint
                run.clock.go_on(results.get("seconds", 0.0), results.get("starts", 0))
            learn(run, loops, sheets)
            return finish(run, loops[-1], sheets)


def _make_sheets(run: Run) -> tuple[Sheet, Sheet | None]:
    """Of samples and of augmented ones; no augmented ones where only features are learnt from."""
    augments = run.phases[-1].name != HEAD
    augmented = augmentation_sheet(run.data, run.options.augment, run.options.seed) if augments else None
    return sample_sheet(run.data), augmented


def _of_fitting_length(run: Run, loops: Sequence[Loop]) -> Run:
    """`run` with as many epochs as its minutes hold."""
    options = decide_epochs(run, loops)
    for line in notes_on(options):
        run.watch.say(line)
    return dataclasses.replace(run, options=options)


def _is_what_was_asked(options: RunOptions, results: Mapping) -> bool:
    """Whether a finished run has as many epochs as are asked for, and answers as is asked for."""
    decision = dataclasses.asdict(options.decision)
    return results.get("epochs_asked") == options.training.epochs and results["decision"]["asked"] == decision


def _is_elsewhere(options: RunOptions, old: Mapping) -> bool:
    """Whether the pictures, weights or a network's file are said to be in another place than the run's: only contents
    tell then."""
    now = options.to_json()
    places = (
        ("data", "dataset"),
        ("data", "data_dir"),
        ("data", "labels_csv"),
        ("model", "weights"),
        ("model", "name"),
    )
    return any(now[group][name] != old.get(group, {}).get(name) for group, name in places)


def _has_another_network(options: RunOptions, results: Mapping) -> bool:
    """Whether the user's own network is not what it was when the run began; where it is no more, it stays unknown."""
    network = options.model.network
    return bool(network) and network.is_there and network.sha256 != results.get("network_sha256")


def _say_finished(results: dict, folder: RunFolder, watch: Watch) -> dict:
    watch.say(f"finished already: {folder.results.path}; more --epochs go on, another --run_dir trains again")
    return results
