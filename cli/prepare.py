"""prepare.py's flags, and what they ask for."""

from absl import flags

from base.errors import UserError
from base.signals import listen
from cli import paths, run_flags
from cli.guard import refuse_arguments
from cli.quiet_import import import_tensorflow


def define_flags(values: flags.FlagValues) -> None:
    """prepare.py's flags."""
    run_flags.define_data_flags(values)
    flags.DEFINE_string("out_dir", None, "where the tables and sheets go", flag_values=values)


def main(values: flags.FlagValues, arguments: list[str]) -> None:
    """Flags -> options -> one call."""
    refuse_arguments(arguments)
    if not values.out_dir:
        raise UserError("--out_dir is missing: the folder that the tables and sheets go to")
    options = run_flags.options_of(values, run_flags.DATA_FLAGS)

    with listen(at_once=True):
        import_tensorflow()
        from jobs.prepare import prepare

        prepare(options, paths.path_of(values.out_dir), paths.cache_dir(values.cache_dir))
