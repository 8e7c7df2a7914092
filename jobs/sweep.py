"""A sweep: a run a line of its file, then the choice between them. Imports no TensorFlow."""

import hashlib
import shlex
from collections.abc import Sequence

from base.errors import UserError
from base.watch import Watch
from jobs.several import Ends, PlannedRun, Runner, check_plan, do_runs, exit_code, failures_line
from jobs.sweep_choice import TEST_NOTE, Candidate, choose, sweep_lines, sweep_rows
from jobs.sweep_lines import SweepLine
from records.run_folder import RunFolder
from records.runs_folder import RunsFolder


def check_unlike(lines: Sequence[SweepLine], plan: Sequence[PlannedRun], shown: str) -> None:
    """Raises UserError where two lines ask for one run; `shown` is what errors call the sweep's file."""
    seen: list[tuple[SweepLine, PlannedRun]] = []
    for line, one in zip(lines, plan, strict=True):
        twin = next((other for other, planned in seen if planned.options == one.options), None)
        if twin:
            raise UserError(
                f"{shown}, line {line.number}: it asks for the same run as line {twin.number}: take one out"
            )
        seen.append((line, one))


def sweep(folder: RunsFolder, lines: Sequence[SweepLine], plan: Sequence[PlannedRun], run: Runner, watch: Watch) -> int:
    """Does what is not done of the runs, and writes sweep.csv and sweep.json after each; returns the exit code.

    After a run that fails the next one is begun. Raises UserError where a run is here that is none of these, Stopped as
    `do_runs`.
    """
    check_plan(folder, plan)
    folder.plan.write({"kind": "sweep", "runs": [one.name for one in plan]})

    def candidates(ends: Ends) -> list[Candidate]:
        return [_candidate(folder.run(one.name), line, one, ends) for line, one in zip(lines, plan, strict=True)]

    ends = do_runs(folder, plan, run, watch, ended=lambda ends: summarise(folder, candidates(ends)))
    for line in summarise(folder, candidates(ends)):
        watch.say(line)
    if line := failures_line(ends):
        watch.say(f"sweep       {line}")
    return exit_code(ends)


def summarise(folder: RunsFolder, candidates: Sequence[Candidate]) -> list[str]:
    """Writes the table of all runs; returns the choice in words, a line each."""
    choice = choose(candidates)
    rows = sweep_rows(candidates, choice)
    folder.sweep_table.write(rows)
    folder.sweep.write({
        "kind": "sweep", "ranked_by": choice.by, "chosen": choice.chosen and choice.chosen.name,
        "why_none": choice.why_none, "runs": [row._asdict() for row in rows], "note": TEST_NOTE,
    })  # fmt: skip
    first, *others = sweep_lines(candidates, choice)
    where = f"written     {folder.path}: sweep.csv, sweep.json"
    return [f"sweep       {first}", *(f"  {line}" for line in others), where]


def _candidate(there: RunFolder, line: SweepLine, one: PlannedRun, ends: Ends) -> Candidate:
    code = ends[one.name]
    results = there.results_if_finished() if code == 0 else None
    validated = _validated(there) if results else ""
    flags = shlex.join(line.arguments)
    return Candidate(line.number, one.name, flags, code, results, validated, one.options.training.best_on)


def _validated(there: RunFolder) -> str:
    """A hash of the contents and labels of the validation split, in whichever order they lie."""
    examples = sorted(f"{row.sha256}/{row.label}" for row in there.split.read() if row.split == "validation")
    return hashlib.sha256("\n".join(examples).encode("utf-8", "surrogateescape")).hexdigest()
