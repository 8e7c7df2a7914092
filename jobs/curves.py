"""What TensorBoard's text tab says of a run: its options, how to read its curves, and in the end what it was."""

from collections.abc import Mapping

from jobs.chosen import chosen_of
from jobs.report import option_rows
from jobs.run import Run
from reports.facts import facts_of, option_text
from reports.markdown import markdown_table
from reports.numbers import date_and_time

_READ_ME = (
    "The curves have one point an epoch. TensorBoard begins with a smoothing of 0.6, which bends such curves: set "
    "**Smoothing** to 0 in its settings, or add `?smoothing=0` to its address, before the `#`."
)


def write_options(run: Run, epochs_done: int) -> None:
    """Writes the options and what was chosen, and a word on smoothing."""
    rows = option_rows(run.options.to_json(), chosen_of(run))
    table = markdown_table(("option", "value"), [(row.flag, option_text(row)) for row in rows])
    run.summaries.text("train", "options", epochs_done, table)
    run.summaries.text("train", "curves", epochs_done, _READ_ME)


def write_results(run: Run, results: Mapping) -> None:
    """Writes what results.json holds besides the scores, at the last epoch."""
    facts = [("data set", results["dataset"]), ("model", results["model"]), ("seed", str(results["seed"])),
             ("finished", date_and_time(results["finished_at"])), ("run", str(run.folder.path.absolute())),
             *facts_of(results)]  # fmt: skip
    run.summaries.text("train", "run", results["epochs"], markdown_table(("fact", "value"), facts))
