"""The report of a finished run, drawn from the files of its folder."""

import shlex
from collections.abc import Sequence

from records.run_folder import RunFolder
from reports.page import Mistake, render_report


def draw_report(
    folder: RunFolder, mistakes: Sequence[Mistake] = (), sheets: tuple[bytes | None, bytes | None] = (None, None)
) -> str:
    """The page as HTML; `mistakes` and `sheets`, which no file holds, as `reports.page.render_report` takes them.

    Raises OSError where a file is missing, ValueError where one is damaged or they are not of one run.
    """
    return render_report(
        results=folder.results.read(),
        history=folder.history.read(),
        predictions=folder.predictions.read(),
        split=folder.split.read(),
        quarantine=folder.quarantine.read(),
        aside=folder.aside.read(),
        options=folder.options.read(),
        command="python train.py " + shlex.quote(f"--flagfile={folder.flags.path}"),
        mistakes=mistakes,
        sheets=sheets,
    )
