"""prepare.py's flags, and what they ask for."""

import contextlib

from absl import flags

from base.errors import UserError
from base.signals import listen
from cli import paths
from cli.flags import define_run_flags, options_of
from cli.guard import refuse_arguments
from cli.quiet_import import import_tensorflow

_ONLY = ("seed", "threads", "data", "augment", "model.name", "model.weights")  # of a run's options


def define_flags(values: flags.FlagValues) -> None:
    """prepare.py's flags."""
    define_run_flags(values, _ONLY)
    paths.define_cache_dir(values)
    flags.DEFINE_string("out_dir", None, "where the tables and sheets go", flag_values=values)
    flags.DEFINE_boolean(
        "probe", False, "say what a linear head on the features of --model with --weights reaches, by cross-validation",
        flag_values=values,
    )  # fmt: skip


def main(values: flags.FlagValues, arguments: list[str]) -> None:
    """Flags -> options -> one call."""
    refuse_arguments(arguments)
    if not values.out_dir:
        raise UserError("--out_dir is missing: the folder that the tables and sheets go to; see --help")
    options = options_of(values, _ONLY)
    if values.weights and not values.probe:
        raise UserError(f"--weights={values.weights}: only --probe has a use for weights; add it, or leave them out")
    options.data.check_names_fold()  # before anything is read

    with listen(at_once=True) as stop:
        import_tensorflow()
        from jobs.prepare import prepare
        from reports.progress import Terminal

        with contextlib.closing(Terminal(stop)) as watch:
            prepare(options, paths.path_of(values.out_dir), paths.cache_dir(values.cache_dir), watch, values.probe)
