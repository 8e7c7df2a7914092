"""Cross-validation: a run a fold, then what they come to together. Imports no TensorFlow."""

from collections.abc import Mapping, Sequence

from base.errors import UserError
from base.watch import Watch
from evaluation.folds import fold_figures, fold_lines, out_of_fold_figures
from jobs.options import RunOptions
from jobs.several import PlannedRun, Runner, check_plan, do_runs, exit_code, failures_line
from records.runs_folder import FoldRow, RunsFolder


def fold_plan(options: RunOptions, arguments: Sequence[str]) -> list[PlannedRun]:
    """The runs of --folds; `arguments` are those of train.py that name neither fold nor folder."""
    return [
        PlannedRun(f"fold-{number}", options.changed({"fold": number}), (*arguments, f"--fold={number}"))
        for number in range(1, options.data.folds + 1)
    ]


def cross_validate(folder: RunsFolder, plan: Sequence[PlannedRun], run: Runner, watch: Watch) -> int:
    """Does what is not done of the runs, and writes folds.csv, folds.json and the predictions of all test splits;
    returns the exit code.

    After a run that fails no other is begun, as all of them are needed. Raises UserError where a run is here that is
    none of these, Stopped as `do_runs`.
    """
    check_plan(folder, plan)
    folder.plan.write({"kind": "folds", "runs": [one.name for one in plan]})
    ends = do_runs(folder, plan, run, watch, goes_on=False)
    if line := failures_line(ends):
        watch.say(f"folds       {line}")
        return exit_code(ends)
    for line in summarise(folder, plan):
        watch.say(line)
    return 0


def summarise(folder: RunsFolder, plan: Sequence[PlannedRun]) -> list[str]:
    """Writes what finished runs come to together; returns it in words, a line each.

    Raises UserError where they are not of the same pictures.
    """
    results = [folder.run(one.name).results.read() for one in plan]
    _check_alike(plan, results)
    names = results[0]["class_names"]
    rows = [row for one in plan for row in folder.run(one.name).predictions.read()]
    rows.sort(key=lambda row: row.path)
    figures = fold_figures([one["test"] for one in results]) | {"out_of_fold": out_of_fold_figures(rows, names)}
    about = {"kind": "folds", "dataset": results[0]["dataset"], "model": results[0]["model"], "class_names": names}
    folder.predictions.write(names, rows)
    folder.folds_table.write([_fold_row(number, one) for number, one in enumerate(results, 1)])
    folder.folds.write(about | figures)
    first, *others = fold_lines(figures)
    where = f"written     {folder.path}: folds.csv, folds.json, {folder.predictions.path.name}"
    return [f"folds       {first}", *(f"  {line}" for line in others), where]


def _check_alike(plan: Sequence[PlannedRun], results: Sequence[Mapping]) -> None:
    for one, result in zip(plan, results, strict=True):
        if result["manifest_sha256"] != results[0]["manifest_sha256"]:
            raise UserError(
                f"{one.name} was trained on other pictures than {plan[0].name}: the data has changed between the two; "
                "give another --run_dir, and all folds are trained again"
            )


def _fold_row(number: int, result: Mapping) -> FoldRow:
    test = result["test"]
    return FoldRow(
        number, test["examples"], test["accuracy"], *test["accuracy_interval"], test["loss"], result["best_epoch"],
        result["seconds"],
    )  # fmt: skip
