"""Checks, splits and packs a data set, and shows what training will see. Trains nothing.

python prepare.py --dataset=folder:pictures --out_dir=prepared
"""

from cli import run_flags, start
from cli.start import flags


def define_flags(values: flags.FlagValues) -> None:
    """prepare.py's flags."""
    run_flags.define_data_flags(values)
    flags.DEFINE_string("out_dir", None, "where the tables and sheets go", flag_values=values)


def main(values: flags.FlagValues, arguments: list[str]) -> None:
    """Flags -> options -> one call."""
    from base.errors import UserError
    from base.signals import listen

    start.refuse_arguments(arguments)
    if not values.out_dir:
        raise UserError("--out_dir is missing: the folder that the tables and sheets go to")
    options = run_flags.options_of(values, run_flags.DATA_FLAGS)

    with listen(at_once=True):
        start.import_tensorflow()
        from jobs.prepare import prepare

        prepare(options, start.path_of(values.out_dir), start.cache_dir(values))


if __name__ == "__main__":
    start.run(define_flags, main)
