"""Several runs as one command: each a process and a folder of its own; finished ones are not done again. Imports no
TensorFlow."""

import dataclasses
import signal
from collections.abc import Callable, Iterable, Sequence

from base import kill_points
from base.options import differences
from base.signals import EXIT_STOPPED
from base.watch import Watch
from jobs.options import RunOptions
from records.run_folder import RunFolder
from records.runs_folder import RunsFolder

Runner = Callable[[Sequence[str]], int]  # the arguments of train.py -> its exit code
Ends = dict[str, int | None]  # of each run by name: its exit code, None where it has not begun
_EXIT_FAULT, _EXIT_USER = 1, 2


@dataclasses.dataclass(frozen=True)
class PlannedRun:
    """A run of several.

    Attributes:
      name: of its folder in that of all.
      options: resolved.
      arguments: of train.py, without --run_dir.
    """

    name: str
    options: RunOptions
    arguments: tuple[str, ...]


def check_plan(folder: RunsFolder, plan: Iterable[PlannedRun]) -> None:
    """Raises UserError where a run that has begun in one of the folders is another than the one that is planned."""
    for one in plan:
        there = folder.run(one.name)
        if there.has_begun:
            there.checked_options(one.options)


def is_finished(folder: RunFolder, options: RunOptions) -> bool:
    """Whether nothing is left to do of a run: all of it is there, and was asked for with these very options."""
    if folder.results_if_finished() is None or options.model.network:  # whose file may be another by now
        return False
    old, new = folder.options.read(), options.to_json()
    may_differ = {"threads"} if not options.threads else set()
    if options.training.train_minutes:  # of which came the number of epochs that is there
        may_differ.add("training.epochs")
    return not differences(old, new, except_for=may_differ)


def do_runs(
    folder: RunsFolder, plan: Sequence[PlannedRun], run: Runner, watch: Watch, goes_on: bool = True,
    ended: Callable[[Ends], object] = lambda _: None,
) -> Ends:  # fmt: skip
    """Does the runs that are not finished, one after another; returns how each ended.

    Args:
      run: starts train.py and waits for its end.
      goes_on: with the next run after one that failed.
      ended: called after each run with what is known by then.

    Raises Stopped where a signal has asked for it, once the run that it came to has ended.
    """
    ends: Ends = dict.fromkeys(one.name for one in plan)
    for number, one in enumerate(plan, 1):
        ends[one.name] = _do_run(folder.run(one.name), one, f"run {number} of {len(plan)}", run, watch)
        ended(ends)
        kill_points.reach("run.ended")
        if ends[one.name] and not goes_on:
            break
    return ends


def _do_run(there: RunFolder, one: PlannedRun, which: str, run: Runner, watch: Watch) -> int:
    if is_finished(there, one.options):
        watch.say(f"runs        {which}: {there.path}, finished already")
        return 0
    watch.say(f"runs        {which}: {there.path}")
    code = run([*one.arguments, f"--run_dir={there.path}"])
    watch.check(f"in {which}, {there.path}")
    return code


def end_in_words(code: int | None) -> str:
    """How a run ended."""
    if code is not None and code < 0:
        return f"killed by {signal.Signals(-code).name}"
    return {None: "not begun", 0: "finished", EXIT_STOPPED: "stopped"}.get(code, f"failed with exit code {code}")


def failures_line(ends: Ends) -> str:
    """In words, which runs are not finished; empty where all are."""
    failed = [f"{name} {end_in_words(code)}" for name, code in ends.items() if code != 0]
    if not failed:
        return ""
    return (
        f"{len(failed)} of {len(ends)} runs are not finished ({'; '.join(failed)}): what each of them said stands "
        "above; the same command goes on with them"
    )


def exit_code(ends: Ends) -> int:
    """Of all runs together: 0 where all are finished, 2 where what failed is the user's mistake, else 1."""
    codes = {code for code in ends.values() if code}
    return 0 if not codes else _EXIT_USER if codes == {_EXIT_USER} else _EXIT_FAULT
