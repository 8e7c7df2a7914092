"""A learning-rate range test on a run's own pictures and model, before there is a run; trains nothing that is kept."""

import dataclasses
from collections.abc import Sequence
from pathlib import Path

import tensorflow as tf

from base.watch import Watch
from jobs.announce import announce, announce_memory
from jobs.epochs import make_batches, make_phase_state, make_run_step, phase_run
from jobs.options import RunOptions
from jobs.run import Run, open_run
from jobs.trouble import naming_trouble
from pipeline.sources.folders import Catalog
from pipeline.stages import StageClock
from records.run_folder import RunFolder
from records.tables import RateRow
from reports.rate_plot import plot_rate_range
from training.rate_range import UPDATES, range_losses, rates, smoothed, suggested_rate


@tf.autograph.experimental.do_not_convert
def find_learning_rate(
    options: RunOptions, folder: RunFolder, catalog: Catalog, cache_dir: Path, watch: Watch, chosen: Sequence[str] = ()
) -> float | None:
    """Writes learning_rate_range.csv and .png into the run folder and returns the suggested rate, or None.

    Raises UserError for what the user can put right, Stopped after a SIGTERM or SIGINT, with nothing written.
    """
    folder.adopt(options)
    for line in chosen:
        watch.say(line)
    plain = dataclasses.replace(options, training=options.training.with_constant_rate())
    with open_run(plain, folder, catalog, cache_dir, watch, None) as (run, model):
        phase = run.phases[-1]
        state = make_phase_state(run, model, phase)
        announce(run)
        announce_memory(run, state)
        first, *_, last = rates()
        watch.say(
            f"range       {UPDATES} updates with rates from {first:g} to {last:g}, from the initial weights; schedule, "
            "--learning_rate and --ema_momentum play no part"
        )
        with naming_trouble(run):
            seen, every = phase_run(run, model, phase), plain.training.accumulate_steps
            points = range_losses(state, _batches_of(seen), make_run_step(seen, state), every, watch)
        return _write(folder, points, watch)


def _batches_of(run: Run):
    steps = UPDATES * run.options.training.accumulate_steps
    return make_batches(run, 0, steps, StageClock())


def _write(folder: RunFolder, points: Sequence[tuple[float, float]], watch: Watch) -> float | None:
    means = smoothed([loss for _, loss in points])
    rows = [RateRow(rate, loss, mean) for (rate, loss), mean in zip(points, means, strict=True)]
    suggested = suggested_rate(points)
    folder.rates.write(rows)
    folder.rates_curve.write(plot_rate_range(rows, suggested))
    folder.keep()
    if suggested is None:
        watch.say("suggested   none: the loss did not fall at any rate")
    else:
        lowest = points[means.index(min(means))][0]
        why = f"a tenth of {lowest:.2g}, with which the smoothed loss is lowest"
        watch.say(f"suggested   --learning_rate={suggested:.2g}: {why}")
    watch.say(f"written     {folder.rates.path}, {folder.rates_curve.path.name}")
    return suggested
