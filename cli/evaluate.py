"""evaluate.py's flags, and the scores that they ask for."""

from absl import flags

from base.errors import UserError, unknown_name
from base.places import is_saved_model
from base.splits import SPLIT_NAMES
from cli import paths
from cli.guard import refuse_arguments
from cli.quiet_import import import_tensorflow
from cli.streams import put
from records.run_folder import RunFolder


def define_flags(values: flags.FlagValues) -> None:
    """evaluate.py's flags."""
    for name, text in (
        ("run", "the folder of a finished run"),
        ("split", "train, validation or test (the default) of the run's own data"),
        ("dataset", "folder:PATH of other pictures, in folders named as the run's classes"),
        ("data_dir", "where the run's pictures are now, if they have moved"),
        ("out_dir", "where predictions.csv and scores.json go; the default is RUN/evaluation, beside a SavedModel that "
         "is given by itself"),
    ):  # fmt: skip
        flags.DEFINE_string(name, None, text, flag_values=values)
    paths.define_cache_dir(values)


def main(values: flags.FlagValues, arguments: list[str]) -> None:
    """Flags -> one call."""
    refuse_arguments(arguments)
    if not values.run:
        raise UserError("--run is missing: the folder of a finished run, as runs/catdog/...; see --help")
    if values.split and values.split not in SPLIT_NAMES:
        raise unknown_name("--split", values.split, SPLIT_NAMES)
    if values.split and values.dataset:
        raise UserError("--split and --dataset exclude each other: a split is of the run's own data")
    if values.data_dir and values.dataset:
        raise UserError(
            f"--data_dir={values.data_dir}: --dataset={values.dataset} names the folder already; leave one of them out"
        )

    import_tensorflow()
    from jobs.assess import assess

    run_dir = paths.path_of(values.run)
    # Beside a SavedModel that is given by itself, which must stay as it was exported.
    usual = RunFolder(run_dir.parent if is_saved_model(run_dir) else run_dir).evaluation
    out_dir = paths.path_of(values.out_dir) if values.out_dir else usual
    dataset = values.dataset and paths.dataset_of(values.dataset)
    data_dir = values.data_dir and paths.expand_home(values.data_dir)
    cache_dir = paths.cache_dir(values.cache_dir)
    for line in assess(run_dir, values.split or "test", dataset, data_dir, out_dir, cache_dir):
        put(line)
