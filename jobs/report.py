"""The report and the model card of a finished run, drawn from the files of its folder."""

import contextlib
import dataclasses
import functools
import operator
import shlex
from collections.abc import Iterator, Mapping, Sequence

from base import durable
from base.options import leaves
from jobs.options import RunOptions
from records.run_folder import RunFolder
from reports.contact_sheet import Sheet
from reports.data_sections import data_figures
from reports.evidence import Evidence
from reports.facts import OptionRow
from reports.model_card import render_model_card
from reports.page import evidence_of_run, render_report
from reports.shown_answer import ShownAnswer
from reports.slices import slices_section
from reports.templates import Section


@dataclasses.dataclass(frozen=True, eq=False)
class RunRecord:
    """What the files of a finished run say, read once for its report and its model card."""

    folder: RunFolder
    evidence: Evidence
    data: Mapping
    options: Sequence[OptionRow]

    @property
    def command(self) -> str:
        """Starts the run again."""
        return "python train.py " + shlex.quote(f"--flagfile={self.folder.flags.path}")


def read_record(folder: RunFolder) -> RunRecord:
    """Raises OSError where a file is missing, ValueError where one is damaged or they are not of one run."""
    return record_of(folder, folder.results.read())


def record_of(folder: RunFolder, results: Mapping) -> RunRecord:
    """As `read_record`, of a run whose results.json is still to be written."""
    data = data_figures(folder.split.read(), results["class_names"])
    options = list(option_rows(folder.options.read(), results.get("chosen", {})))
    predictions, slices = folder.predictions.read(), folder.slices.read()
    evidence = evidence_of_run(results, folder.history.read(), predictions, options, data, slices)
    return RunRecord(folder, evidence, data, options)


def draw_report(
    record: RunRecord,
    mistakes: Sequence[ShownAnswer] = (),
    sheets: tuple[Sheet | None, Sheet | None] = (None, None),
    more: Sequence[Section] = (),
) -> str:
    """The page as HTML; what no file holds is given as `reports.page.render_report` takes it: `mistakes`, `sheets` and
    `more` sections. Raises OSError and ValueError as `read_record`.
    """
    folder = record.folder
    return render_report(
        run_path=folder.path,
        evidence=record.evidence,
        data=record.data,
        unused=(folder.quarantine.read(), folder.aside.read()),
        options=record.options,
        command=record.command,
        mistakes=mistakes,
        sheets=sheets,
        more=[*slices_section(record.evidence.slices), *more],
    )


def draw_model_card(record: RunRecord) -> str:
    """The card as Markdown; raises OSError where split.csv is missing."""
    return render_model_card(
        run_path=record.folder.path.absolute(),
        evidence=record.evidence,
        class_counts=record.data["rows"],
        split_sha256=durable.sha256_file(record.folder.split.path),
        command=record.command,
    )


def option_rows(options: Mapping, chosen: Mapping) -> Iterator[OptionRow]:
    """A row for each option that `options`, as options.json holds them, has; `chosen` are values by flag."""
    for leaf in leaves(RunOptions):
        with contextlib.suppress(KeyError):
            asked = functools.reduce(operator.getitem, leaf.path, options)
            yield OptionRow(leaf.path[0] if len(leaf.path) > 1 else "run", leaf.name, asked, chosen.get(leaf.name))
