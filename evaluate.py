"""Scores a finished run's SavedModel on one of its splits, or on other pictures of the same classes.

python evaluate.py --run=runs/catdog/2026-01-31-120000 --split=test
"""

from pathlib import Path

from cli import start
from cli.start import flags


def define_flags(values: flags.FlagValues) -> None:
    """evaluate.py's flags."""
    flags.DEFINE_string("run", None, "the folder of a finished run", flag_values=values)
    flags.DEFINE_string(
        "split", None, "train, validation or test (the default) of the run's own data", flag_values=values
    )
    flags.DEFINE_string("dataset", None, "folder:PATH of other pictures, in folders named as the run's classes",
                        flag_values=values)  # fmt: skip
    flags.DEFINE_string("data_dir", None, "where the run's pictures are now, if they have moved", flag_values=values)
    flags.DEFINE_string("cache_dir", None, "as in train.py", flag_values=values)
    flags.DEFINE_string("out_dir", None, "where predictions.csv and scores.json go; the default is RUN/evaluation, "
                        "beside a SavedModel that is given by itself", flag_values=values)  # fmt: skip


def main(values: flags.FlagValues, arguments: list[str]) -> None:
    """Flags -> one call."""
    from base.errors import UserError, unknown_name
    from base.splits import SPLIT_NAMES

    start.refuse_arguments(arguments)
    if not values.run:
        raise UserError("--run is missing: the folder of a finished run, as runs/catdog/...")
    if values.split and values.split not in SPLIT_NAMES:
        raise unknown_name("--split", values.split, SPLIT_NAMES)
    if values.split and values.dataset:
        raise UserError("--split and --dataset exclude each other: a split is of the run's own data")
    if values.data_dir and values.dataset:
        raise UserError(
            f"--data_dir={values.data_dir}: --dataset={values.dataset} names the folder already; leave one of them out"
        )

    start.import_tensorflow()
    from jobs.assess import assess

    run_dir = start.path_of(values.run)
    out_dir = start.path_of(values.out_dir) if values.out_dir else _usual_place(run_dir)
    cache_dir = start.cache_dir(values)
    dataset, data_dir = (value and start.expand_home(value) for value in (values.dataset, values.data_dir))
    for line in assess(run_dir, values.split or "test", dataset, data_dir, out_dir, cache_dir):
        start.put(line)


def _usual_place(run_dir: Path) -> Path:
    """In the run folder; beside a SavedModel that is given by itself, which must stay as it was exported."""
    from base.places import is_saved_model
    from records.run_folder import RunFolder

    return RunFolder(run_dir.parent if is_saved_model(run_dir) else run_dir).evaluation


if __name__ == "__main__":
    start.run(define_flags, main)
