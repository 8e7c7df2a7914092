"""evaluate.py's flags, and the scores that they ask for."""

import contextlib
from pathlib import Path

from absl import flags

from base.errors import UserError, unknown_name
from base.signals import listen
from base.splits import SPLIT_NAMES
from cli import paths
from cli.guard import refuse_arguments
from cli.quiet_import import import_tensorflow
from cli.streams import put


def define_flags(values: flags.FlagValues) -> None:
    """evaluate.py's flags."""
    for name, text in (
        ("run", "the folder of a finished run"),
        ("split", "train, validation or test; the default is test, and all of a folder that has no split folders"),
        ("dataset", "folder:PATH of other pictures: folders named as the run's classes, or split folders of such"),
        ("labels_csv", "a table with the columns path and label, where --dataset has no class folders"),
        ("slices", "a table with the column path and others: the accuracy is said by their values, too"),
        ("data_dir", "where the run's pictures are now, if they have moved"),
        ("out_dir", "where predictions.csv and scores.json go; the default is a folder a data set and split in "
         "RUN/evaluation, beside a SavedModel that is given by itself"),
    ):  # fmt: skip
        flags.DEFINE_string(name, None, text, flag_values=values)
    flags.DEFINE_boolean(
        "include_trained", False, "score pictures of --dataset that the run trained on, too", flag_values=values
    )
    flags.DEFINE_boolean(
        "robustness", False, "score corrupted pictures instead: blur, noise, brightness, contrast, JPEG, rotation and "
        "shift, in five severities each", flag_values=values,
    )  # fmt: skip
    flags.DEFINE_boolean(
        "gradcam", False, "draw where the model looked, too, at its worst mistakes and at some right answers: "
        "gradcam.png", flag_values=values,
    )  # fmt: skip
    paths.define_cache_dir(values)


def main(values: flags.FlagValues, arguments: list[str]) -> None:
    """Flags -> one call."""
    refuse_arguments(arguments)
    if not values.run:
        raise UserError("--run is missing: the folder of a finished run, as runs/catdog/...; see --help")
    if values.split and values.split not in SPLIT_NAMES:
        raise unknown_name("--split", values.split, SPLIT_NAMES)
    if values.data_dir and values.dataset:
        raise UserError(
            f"--data_dir={values.data_dir}: --dataset={values.dataset} names the folder already; leave one of them out"
        )

    dataset = paths.dataset_of(values.dataset) if values.dataset else ""
    kind, _, folder = dataset.partition(":")
    if dataset and (kind != "folder" or not folder):
        raise UserError(f"--dataset={dataset}: evaluate.py takes folder:PATH, with folders named as the run's classes")
    for name in ("labels_csv", "include_trained"):
        if values[name].value and not dataset:
            raise UserError(f"--{name} is for other pictures than the run's own: give them with --dataset=folder:PATH")

    if values.slices and values.robustness:
        raise UserError(f"--slices={values.slices}: --robustness writes no slices; leave one of them out")

    if values.gradcam and values.robustness:
        raise UserError("--gradcam draws the mistakes of a scoring, which --robustness does not make: give one of them")

    import_tensorflow()
    from jobs.assess import Assessment

    asked = Assessment(
        run_dir=paths.path_of(values.run),
        split=values.split or "",
        folder=Path(folder) if folder else None,
        labels_csv=paths.expand_home(values.labels_csv or ""),
        include_trained=values.include_trained,
        data_dir=values.data_dir and paths.expand_home(values.data_dir),
        slices=paths.path_of(values.slices) if values.slices else None,
        out_dir=paths.path_of(values.out_dir) if values.out_dir else None,
        gradcam=values.gradcam,
    )
    for line in _score(asked, paths.cache_dir(values.cache_dir), values.robustness):
        put(line)


def _score(asked, cache_dir: Path, is_corrupted: bool) -> list[str]:
    """Lines for the terminal."""
    if not is_corrupted:
        from jobs.assess import assess

        return assess(asked, cache_dir)
    from jobs.robustness import assess_robustness
    from reports.progress import Terminal

    with listen(at_once=True) as stop, contextlib.closing(Terminal(stop)) as watch:
        return assess_robustness(asked, cache_dir, watch)
