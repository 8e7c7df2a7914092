"""The report of a finished run, drawn from the files of its folder."""

import contextlib
import functools
import operator
import shlex
from collections.abc import Iterator, Mapping, Sequence

from base.options import leaves
from jobs.options import RunOptions
from records.run_folder import RunFolder
from reports.contact_sheet import Sheet
from reports.facts import OptionRow
from reports.page import Mistake, render_report
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
    results = folder.results.read()
    return render_report(
        run_path=folder.path,
        results=results,
        history=folder.history.read(),
        predictions=folder.predictions.read(),
        split=folder.split.read(),
        unused=(folder.quarantine.read(), folder.aside.read()),
        options=list(option_rows(folder.options.read(), results.get("chosen", {}))),
        command="python train.py " + shlex.quote(f"--flagfile={folder.flags.path}"),
        mistakes=mistakes,
        sheets=sheets,
        more=[*slices_section(folder.slices.read()), *more],
    )


def option_rows(options: Mapping, chosen: Mapping) -> Iterator[OptionRow]:
    """A row for each option that `options`, as options.json holds them, has; `chosen` are values by flag."""
    for leaf in leaves(RunOptions):
        with contextlib.suppress(KeyError):
            asked = functools.reduce(operator.getitem, leaf.path, options)
            yield OptionRow(leaf.path[0] if len(leaf.path) > 1 else "run", leaf.name, asked, chosen.get(leaf.name))
