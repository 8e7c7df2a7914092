"""The report and the model card of a finished run, drawn from the files of its folder."""

import contextlib
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
from reports.page import Mistake, evidence_of_run, render_report
from reports.slices import slices_section
from reports.templates import Section


def draw_report(
    folder: RunFolder,
    mistakes: Sequence[Mistake] = (),
    sheets: tuple[Sheet | None, Sheet | None] = (None, None),
    more: Sequence[Section] = (),
) -> str:
    """The page as HTML; what no file holds is given as `reports.page.render_report` takes it: `mistakes`, `sheets` and
    `more` sections.

    Raises OSError where a file is missing, ValueError where one is damaged or they are not of one run.
    """
    evidence, data, options = _read(folder)
    return render_report(
        run_path=folder.path,
        evidence=evidence,
        data=data,
        unused=(folder.quarantine.read(), folder.aside.read()),
        options=options,
        command=_command(folder),
        mistakes=mistakes,
        sheets=sheets,
        more=[*slices_section(evidence.slices), *more],
    )


def draw_model_card(folder: RunFolder) -> str:
    """The card as Markdown; raises as `draw_report`."""
    evidence, data, _ = _read(folder)
    return render_model_card(
        run_path=folder.path.absolute(),
        evidence=evidence,
        class_counts=data["rows"],
        split_sha256=durable.sha256_file(folder.split.path),
        command=_command(folder),
    )


def _read(folder: RunFolder) -> tuple[Evidence, dict, list[OptionRow]]:
    results = folder.results.read()
    data = data_figures(folder.split.read(), results["class_names"])
    options = list(option_rows(folder.options.read(), results.get("chosen", {})))
    predictions, slices = folder.predictions.read(), folder.slices.read()
    return evidence_of_run(results, folder.history.read(), predictions, options, data, slices), data, options


def _command(folder: RunFolder) -> str:
    return "python train.py " + shlex.quote(f"--flagfile={folder.flags.path}")


def option_rows(options: Mapping, chosen: Mapping) -> Iterator[OptionRow]:
    """A row for each option that `options`, as options.json holds them, has; `chosen` are values by flag."""
    for leaf in leaves(RunOptions):
        with contextlib.suppress(KeyError):
            asked = functools.reduce(operator.getitem, leaf.path, options)
            yield OptionRow(leaf.path[0] if len(leaf.path) > 1 else "run", leaf.name, asked, chosen.get(leaf.name))
