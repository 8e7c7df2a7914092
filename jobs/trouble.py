"""What ends a run in its middle, in one line for the user: numbers gone bad, changed pictures, too little memory."""

import contextlib
from collections.abc import Iterator, Mapping, Sequence

import tensorflow as tf

from base.errors import UserError
from jobs.run import Run
from pipeline.decoding.pixel_format import shown_size
from records.tables import BatchRow
from training.health import NumbersError, Trouble
from training.schedule import learning_rate_at

MOST_NAMED = 4


@contextlib.contextmanager
def naming_trouble(run: Run) -> Iterator[None]:
    """A block in which a run reads pictures and takes steps; raises UserError for what may go wrong with these."""
    try:
        with run.data.naming_changes():
            yield
    except NumbersError as error:
        raise UserError(explain(error.trouble, run, error.history)) from None
    except tf.errors.ResourceExhaustedError as error:
        options = run.options
        raise UserError(
            f"not enough memory for --model={options.model.shown} with --global_batch_size="
            f"{run.global_batch_size} at --image_size={shown_size(*options.data.image_sides)} "
            f"({error.message.splitlines()[0]}): lower one of them"
        ) from None


def explain(trouble: Trouble, run: Run, history: Sequence[Mapping] = ()) -> str:
    """Writes the batch's examples to the run's folder and returns one line: what happened in which step, with which
    learning rate and loss scale, to which examples, and what to do.

    `history` are the epochs before. Names first the examples whose own loss is not finite; where that is none, or all,
    the batch's first ones.
    """
    rows = run.order.rows(trouble.step - 1)
    real = rows.example_ids[rows.mask].tolist()
    bad = [real[row] for row in trouble.bad_rows if row < len(real)]
    note = _write(run, trouble.step, real, bad)
    phase = run.phase_after(history)
    updates_per_epoch = phase.options.updates_of(run.order.steps_per_epoch)
    rate = learning_rate_at(phase.options, updates_per_epoch, trouble.updates, phase.rows(history))
    scale = "" if trouble.loss_scale is None else f", loss scale {trouble.loss_scale:g}"
    return (
        f"{trouble.what} in step {trouble.step} (epoch {rows.epoch + 1}, learning rate {rate:g}{scale}): "
        f"{_name(run, real, bad)}{note}; {trouble.fix}, in another --run_dir; the last good checkpoint is kept"
    )


def _name(run: Run, real: list[int], bad: list[int]) -> str:
    if 0 < len(bad) < len(real):
        words, ids = f"{len(bad)} of the batch's {len(real)} examples have such a loss", bad
    else:
        words, ids = f"the batch has {len(real)} examples", real
    named = ", ".join(f"{example_id} {run.data.manifest.shown_path(example_id)!r}" for example_id in ids[:MOST_NAMED])
    more = f" and {len(ids) - MOST_NAMED} more" if len(ids) > MOST_NAMED else ""
    return f"{words}: {named}{more}"


def _write(run: Run, step: int, real: list[int], bad: list[int]) -> str:
    names, labels, shown = run.data.manifest.class_names, run.data.manifest.labels, run.data.manifest.shown_path
    rows = [BatchRow(step, one, shown(one), names[labels[one]], "no" if one in bad else "yes") for one in real]
    try:
        run.folder.bad_batch.write(rows)
    except OSError as error:
        # What went wrong with the numbers is the news; a full disk must not take its place.
        return f" ({run.folder.bad_batch.path.name} could not be written: {error.strerror or error})"
    return f" ({run.folder.bad_batch.path.name} has them all)"
