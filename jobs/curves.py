"""What TensorBoard says of a run besides its curves: its options, how to read it, and in the end what it came to."""

from collections.abc import Mapping

from evaluation.calibration import reliability
from evaluation.curves import class_curves
from evaluation.metrics import confusion_matrix
from jobs.answered import Answered
from jobs.chosen import chosen_of
from jobs.report import option_rows
from jobs.run import Run
from jobs.varied import varied_options
from reports.advice import advice
from reports.calibration_plot import plot_reliability
from reports.confusion_plot import plot_confusion
from reports.contact_sheet import Sheet, draw_pages
from reports.evidence import Evidence
from reports.facts import facts_of, option_text
from reports.letters import drawable
from reports.markdown import markdown_table, plain
from reports.numbers import date_and_time
from reports.plots import png_pixels
from reports.precision_recall import shown_curves, threshold_table
from reports.theme import png_of
from reports.verdict import verdict

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


def draw_test(run: Run, epoch: int, figures: Mapping, test: Answered, worst: Sheet | None) -> None:
    """Draws what the model of `epoch` says of the test split, which has examples; `worst` are its worst mistakes."""
    names, summaries = run.data.manifest.class_names, run.summaries
    summaries.scalars("test", epoch, {"loss": figures["loss"], "accuracy": figures["accuracy"]})
    confusion = confusion_matrix(test.labels, test.answers, len(names))
    summaries.pictures("test", "confusion", png_pixels(plot_confusion(confusion, names))[None])
    calibration = png_of(plot_reliability(reliability(test.labels, test.probabilities)))
    summaries.pictures("test", "calibration", png_pixels(calibration)[None])
    curves = class_curves(test.labels, test.probabilities)
    for number in shown_curves(curves, run.options.decision.positive(names)):
        tag = f"precision_recall/class_{number}"  # a class may be called what no tag is
        summaries.precision_recall("test", tag, drawable(names[number]), epoch, threshold_table(curves[number]))
    if worst is not None:
        summaries.pictures("test", "worst_mistakes", draw_pages(worst))


def write_results(run: Run, results: Mapping, evidence: Evidence) -> None:
    """Writes what results.json holds: at the last epoch the report's words and what is there besides the scores, and
    for the HParams tab the options with the scores."""
    facts = [("data set", results["dataset"]), ("model", results["model"]), ("seed", str(results["seed"])),
             ("finished", date_and_time(results["finished_at"])), ("run", str(run.folder.path.absolute())),
             *facts_of(results)]  # fmt: skip
    run.summaries.text("train", "run", results["epochs"], markdown_table(("fact", "value"), facts))
    run.summaries.text("train", "verdict", results["epochs"], _verdict_text(evidence))
    run.summaries.session(varied_options(run.options, chosen_of(run)), results)


def _verdict_text(evidence: Evidence) -> str:
    sections = {"Result": verdict(evidence), "What to try next": advice(evidence)}
    return "\n\n".join(
        f"**{title}**\n\n" + "\n".join(f"- {plain(line)}" for line in lines)
        for title, lines in sections.items()
        if lines
    )
