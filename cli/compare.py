"""compare.py's flags, and the comparison that they ask for."""

import os
from pathlib import Path

from absl import flags

from base.errors import UserError, unknown_name
from base.splits import SPLIT_NAMES
from cli import paths
from cli.quiet_import import import_tensorflow
from cli.streams import put


def define_flags(values: flags.FlagValues) -> None:
    """compare.py's flags."""
    for name, text in (
        ("dataset", "folder:PATH of other pictures, which all runs are scored on; without it their own test examples "
         "are compared, which must be the same"),
        ("split", "of --dataset, train, validation or test; the default is test, and all of a folder without split "
         "folders"),
        ("labels_csv", "a table with the columns path and label, where --dataset has no class folders"),
        ("data_dir", "where the runs' pictures are now, if they have moved"),
        ("out_dir", "where comparison.html, comparison.json and the tables go; the default is a folder named by the "
         "runs, beside the first"),
    ):  # fmt: skip
        flags.DEFINE_string(name, None, text, flag_values=values)
    flags.DEFINE_boolean("time", True, "time each SavedModel a picture, on this machine", flag_values=values)
    paths.define_cache_dir(values)


def main(values: flags.FlagValues, arguments: list[str]) -> None:
    """Flags and run folders -> one call."""
    from jobs.compare import Comparison, compare, open_compared

    if values.split and values.split not in SPLIT_NAMES:
        raise unknown_name("--split", values.split, SPLIT_NAMES)
    asked = Comparison(
        run_dirs=[Path(place) if os.path.lexists(place) else paths.path_of(place) for place in arguments],
        folder=_folder(values),
        split=values.split or "",
        labels_csv=paths.expand_home(values.labels_csv or ""),
        data_dir=paths.expand_home(values.data_dir or ""),
        out_dir=paths.path_of(values.out_dir) if values.out_dir else None,
        time=values.time,
    )
    cache_dir = paths.cache_dir(values.cache_dir)
    opened = open_compared(asked, cache_dir)
    if asked.needs_tensorflow:
        import_tensorflow()
    for line in compare(asked, opened, cache_dir):
        put(line)


def _folder(values: flags.FlagValues) -> Path | None:
    """The folder of --dataset; raises UserError where it is none, or where a flag is given that needs one or none."""
    dataset = paths.dataset_of(values.dataset) if values.dataset else ""
    kind, _, folder = dataset.partition(":")
    if dataset and (kind != "folder" or not folder):
        raise UserError(f"--dataset={dataset}: compare.py takes folder:PATH, with folders named as the runs' classes")
    if values.data_dir and dataset:
        raise UserError(
            f"--data_dir={values.data_dir}: --dataset={values.dataset} names the folder already; leave one of them out"
        )
    for name in ("split", "labels_csv"):
        if values[name].value and not dataset:
            raise UserError(
                f"--{name} is for other pictures than the runs' own test examples: give them with --dataset=folder:PATH"
            )
    return Path(folder) if folder else None
