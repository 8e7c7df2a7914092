"""A step whose numbers went bad: the one line that ends the run, and its batch in a file."""

from pipeline.data import Data
from pipeline.order import Order
from records.run_folder import RunFolder
from records.tables import BAD_BATCH, BatchRow
from training.health import Trouble
from training.options import RunOptions
from training.schedule import learning_rate_at

MOST_NAMED = 4


def explain(trouble: Trouble, options: RunOptions, order: Order, data: Data, folder: RunFolder) -> str:
    """Writes the batch's examples to `folder` and returns one line: what happened in which step, with which learning
    rate and loss scale, to which examples, and what to do.

    Names first the examples whose own loss is not finite; where that is none, or all, the batch's first ones.
    """
    rows = order.rows(trouble.step - 1)
    real = rows.example_ids[rows.mask].tolist()
    bad = [real[row] for row in trouble.bad_rows if row < len(real)]
    note = _write(folder, trouble.step, real, bad, data)
    rate = learning_rate_at(options, order.steps_per_epoch, trouble.updates)
    scale = "" if trouble.loss_scale is None else f", loss scale {trouble.loss_scale:g}"
    return (
        f"{trouble.what} in step {trouble.step} (epoch {rows.epoch + 1}, learning rate {rate:g}{scale}): "
        f"{_name(real, bad, data)}{note}; {trouble.fix}, in another --run_dir; the last good checkpoint is kept"
    )


def _name(real: list[int], bad: list[int], data: Data) -> str:
    if 0 < len(bad) < len(real):
        words, ids = f"{len(bad)} of the batch's {len(real)} examples have such a loss", bad
    else:
        words, ids = f"the batch has {len(real)} examples", real
    named = ", ".join(f"{example_id} {data.manifest.shown_path(example_id)!r}" for example_id in ids[:MOST_NAMED])
    more = f" and {len(ids) - MOST_NAMED} more" if len(ids) > MOST_NAMED else ""
    return f"{words}: {named}{more}"


def _write(folder: RunFolder, step: int, real: list[int], bad: list[int], data: Data) -> str:
    names, labels = data.manifest.class_names, data.manifest.labels
    rows = [BatchRow(step, example_id, data.manifest.shown_path(example_id), names[labels[example_id]],
                     "no" if example_id in bad else "yes") for example_id in real]  # fmt: skip
    try:
        folder.write_bad_batch(rows)
    except OSError as error:
        # What went wrong with the numbers is the news; a full disk must not take its place.
        return f" ({BAD_BATCH.name} could not be written: {error.strerror or error})"
    return f" ({BAD_BATCH.name} has them all)"
