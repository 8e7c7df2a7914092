"""train.py with --folds or --sweep: several runs as one command, each a process of its own."""

import contextlib
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from absl import flags

from base.children import run_child
from base.errors import UserError
from base.signals import StopRequest, listen
from base.watch import Watch
from cli import arguments, flagfile, paths
from cli.flags import given_of, shown
from jobs.cross_validation import cross_validate, fold_plan
from jobs.options import RunOptions, resolve
from jobs.several import PlannedRun, Runner
from jobs.sweep import check_unlike, sweep
from jobs.sweep_lines import SweepLine, read_lines
from pipeline.sources.folders import check_outside
from records.runs_folder import RunsFolder, claim_runs

_TRAIN = Path(__file__).resolve().parents[1] / "train.py"
_ONE_FOR_ALL = ("run_dir", "sweep", "resume", "cache_dir", "find_learning_rate")  # no matter of a line's


def run_folds(values: flags.FlagValues, options: RunOptions, run_dir: Path) -> None:
    """Trains all folds; exits where not all of them are finished then."""
    check_no_rate_test(values, f"--folds={options.data.folds}")
    plan = fold_plan(options, _texts(_given(values), values))
    with _runs(run_dir, "folds", values.resume, plan) as (folder, run, watch):
        code = cross_validate(folder, plan, run, watch)
    _exit_unless_finished(code)


def run_sweep(values: flags.FlagValues, define_flags: Callable[[flags.FlagValues], None], run_dir: Path) -> None:
    """Trains the runs of --sweep's file; exits where not all of them are finished then. `define_flags` are those that
    a line may have."""
    name = f"--sweep={values.sweep}"
    check_no_rate_test(values, name)
    lines = read_lines(flagfile.read_text("--sweep", values.sweep), name)
    plan = [_plan(line, values, define_flags, name) for line in lines]
    check_unlike(lines, plan, name)
    with _runs(run_dir, "sweep", values.resume, plan) as (folder, run, watch):
        code = sweep(folder, lines, plan, run, watch)
    _exit_unless_finished(code)


def check_no_rate_test(values: flags.FlagValues, beside: str) -> None:
    """Raises UserError where a range test is to be several runs."""
    if values.find_learning_rate:
        raise UserError(f"--find_learning_rate with {beside}: it trains nothing; give it alone")


def _plan(
    line: SweepLine, values: flags.FlagValues, define_flags: Callable[[flags.FlagValues], None], shown_file: str
) -> PlannedRun:
    """The run of a line: what it gives, and what stands on the command line besides."""
    own = flags.FlagValues()
    define_flags(own)
    try:
        words = arguments.parse("train", flagfile.expand(line.arguments), own)
        if words:
            raise arguments.no_flag(words[0], own)
        if one := next((name for name in _ONE_FOR_ALL if own[name].present), ""):
            raise UserError(f"--{one} is for all runs: give it on the command line")
        given = _given(values) | _given(own)
        if "dataset" not in given:
            raise UserError("--dataset is missing: give it on the command line, for all runs, or in each line")
        options = resolve(given["dataset"], given)
        if options.data.folds:
            options.data.check_names_fold()
    except UserError as error:
        raise UserError(f"{shown_file}, line {line.number}: {error}") from None
    return PlannedRun(line.name, options, _texts(given, values))


def _given(values: flags.FlagValues) -> dict[str, Any]:
    """What the user gave of a run's options, by flag, so that it means the same to another process."""
    given = given_of(values)
    return given | ({"dataset": paths.dataset_of(given["dataset"])} if given.get("dataset") else {})


def _texts(given: Mapping[str, Any], values: flags.FlagValues) -> tuple[str, ...]:
    """The arguments of train.py for options, and the cache of all runs."""
    return (*(f"--{name}={shown(value)}" for name, value in given.items()), *paths.cache_arguments(values))


@contextlib.contextmanager
def _runs(
    run_dir: Path, kind: str, resume: str, plan: Sequence[PlannedRun]
) -> Iterator[tuple[RunsFolder, Runner, Watch]]:
    """What the runs need, held as long as they last: their folder, what starts one, and where to say it."""
    for one in plan:
        check_outside("--run_dir", run_dir, one.options.data.dataset, one.options.data.data_dir)
    from reports.progress import Terminal

    with listen() as stop, claim_runs(run_dir, kind, resume) as folder, contextlib.closing(Terminal(stop)) as watch:
        stop.say = lambda line: None  # the run that hears the signal says so
        watch.say(f"runs        {len(plan)} in {run_dir}; the same command with --run_dir={run_dir} goes on")
        yield folder, starter(stop), watch


def starter(stop: StopRequest, more: Sequence[str] = ()) -> Runner:
    """What runs train.py with arguments, and `more` before them, in a process that hears what `stop` hears."""
    return lambda words: run_child([sys.executable, str(_TRAIN), *more, *words], stop)


def _exit_unless_finished(code: int) -> None:
    if code:
        sys.exit(code)
