"""Trains a finished run again from its flags.txt, in another folder, and says whether the bits are the same. Imports no
TensorFlow."""

import os
from collections.abc import Iterator, Sequence
from pathlib import Path

from base.durable import sha256_file
from base.errors import UserError
from base.watch import Watch
from jobs.same_bits import Verdict, compare_runs
from jobs.several import Runner
from pipeline.sources.folders import data_folder
from records.run_folder import RunFolder
from records.split_changes import changed_pictures
from records.tables import SplitRow

EQUAL, NOT_EQUAL = 0, 1
_LOST_LINE = "# give on the command line"


def reproduce(run_dir: Path, out_dir: Path, data_dir: str, run: Runner, watch: Watch) -> int:
    """The exit code: 0 for the same bits, 1 for others, which lines say; nothing is written to `run_dir`.

    Args:
      run_dir: the folder of a finished run.
      out_dir: the folder that the new one is trained in; where it began there before, it goes on.
      data_dir: where the pictures are now; empty for where they were.
      run: starts train.py and waits for its end.

    Raises:
      UserError: the run is not finished, or cannot be trained again.
      Stopped: somebody asked for it.
    """
    folder, again = RunFolder(run_dir), RunFolder(out_dir)
    check_can(folder, out_dir)
    if changes := changes_of_files(folder, data_dir):
        for change in changes:
            watch.say(f"differs     {change}")
        watch.say(f"not equal   the pictures of {run_dir} are not what they were: nothing was trained")
        return NOT_EQUAL
    code = run([*arguments_of(folder, data_dir), f"--run_dir={out_dir}"])
    watch.check(f"in {out_dir}")
    if code or again.results_if_finished() is None:
        raise UserError(
            f"{str(run_dir)!r} could not be trained again (exit code {code}): what train.py said stands above"
        )
    verdict = compare_runs(folder, again)
    for line in lines_of(verdict, run_dir):
        watch.say(line)
    return EQUAL if verdict.is_equal else NOT_EQUAL


def check_can(folder: RunFolder, out_dir: Path) -> None:
    """Raises UserError where the run is not finished, or `out_dir` lies in its folder."""
    shown = repr(str(folder.path))
    if not folder.has_begun:
        raise UserError(f"{shown} is not a run folder: give one, as runs/catdog/...")
    if folder.results_if_finished() is None:
        raise UserError(f"{shown} is not finished, so there is nothing to compare with: finish it first")
    if Path(os.path.realpath(out_dir)).is_relative_to(os.path.realpath(folder.path)):
        raise UserError(f"--out_dir={out_dir} lies in the run's own folder, which stays as it is: give another")


def changes_of_files(folder: RunFolder, data_dir: str) -> list[str]:
    """What is not the same of the files of split.csv, a line a kind; nothing where the pictures are no files of the
    user's, as rendered ones."""
    data, rows = folder.options.read()["data"], folder.split.read()
    root = data_folder(data["dataset"], data_dir or data["data_dir"])
    if not root or not os.path.isdir(root):
        return []
    return changed_pictures(rows, [*_rows_now(rows, root)])


def _rows_now(rows: Sequence[SplitRow], root: str) -> Iterator[SplitRow]:
    """The rows whose files are there, with the hashes that these have now."""
    for row in rows:
        path = os.path.join(os.fsencode(root), os.fsencode(row.path))
        if os.path.isfile(path):
            yield row._replace(sha256=sha256_file(path))


def arguments_of(folder: RunFolder, data_dir: str) -> list[str]:
    """Those of train.py that train the run again, but for --run_dir.

    Raises UserError where its flagfile cannot hold one of its flags.
    """
    lost = next((line for line in folder.flags.read().splitlines() if line.startswith(_LOST_LINE)), "")
    if lost:
        raise UserError(f"{str(folder.flags.path)!r} could not hold {lost.rpartition(': ')[2]}: train it by hand")
    arguments = [f"--flagfile={folder.flags.path.absolute()}"]
    options = folder.options.read()
    if data_dir:
        is_folder = options["data"]["dataset"].startswith("folder:")
        arguments.append(f"--dataset=folder:{data_dir}" if is_folder else f"--data_dir={data_dir}")
    if folder.network.path.exists():  # the user's own file may be another by now
        function = options["model"]["name"].rpartition(":")[2]
        arguments.append(f"--model={folder.network.path.absolute()}:{function}")
    return arguments


def lines_of(verdict: Verdict, run_dir: Path) -> list[str]:
    """The verdict in words, a line each."""
    lines = [f"compared    {what}: {f'not equal, {difference}' if difference else 'equal'}"
             for what, difference in verdict.found.items()]  # fmt: skip
    lines += [f"differs     {cause}" for cause in verdict.causes]
    if verdict.is_equal:
        return [*lines, f"equal       {run_dir} was trained again to the same bits"]
    if not verdict.causes:
        lines.append("differs     nothing that the run wrote down: files, options, versions, processor, threads")
    return [*lines, f"not equal   {run_dir} was trained again to other bits"]
