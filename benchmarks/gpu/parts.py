"""The parts of the check: each runs its jobs, says a line as soon as it knows one, and gives its rows and checks."""

from collections.abc import Callable

from benchmarks.gpu import checks, table
from benchmarks.gpu.checks import Check
from benchmarks.gpu.launch import Launcher
from benchmarks.gpu.plan import Plan, determinism_jobs, precision_jobs, speed_jobs
from benchmarks.gpu.resume import kill_and_resume

Say = Callable[[str], None]
AUGMENTATIONS = ("none", "report", "strong")


def speed(launcher: Launcher, plan: Plan, say: Say) -> tuple[dict, list[Check]]:
    """Images/s, waiting, memory and share of the card's own matmul peak; nothing here can fail the check."""
    peaks = {}
    for precision in plan.precisions:
        peaks[precision] = launcher.run("matmul", precision=precision, side=plan.matmul_side, seconds=plan.seconds)
        say(table.peak_line(precision, peaks[precision]))
    say(table.speed_header())
    rows = []
    for job in speed_jobs(plan):
        row = launcher.train(job)
        rows.append(row | against_peak(row, peaks[job.precision]))
        say(table.speed_line(rows[-1]))
    return {"matmul": peaks, "rows": rows}, []


def against_peak(row: dict, peak: dict) -> dict:
    """{"flops_per_second", "matmul_fraction"} of a timed row; the fraction is None where the peak failed."""
    if "error" in row:
        return {}
    rate = row["images_per_second"] * row["step_flops"]
    return {"flops_per_second": rate, "matmul_fraction": None if "error" in peak else rate / peak["flops_per_second"]}


def augmentation(launcher: Launcher, plan: Plan, say: Say) -> tuple[dict, list[Check]]:
    """The same batches augmented on host and device."""
    rows = {
        preset: launcher.run(
            "augmentation", preset=preset, image_size=plan.image_size, batches=plan.augmented_batches,
            global_batch_size=plan.loss_global_batch_size, **launcher.folders,
        )
        for preset in AUGMENTATIONS
    }  # fmt: skip
    return rows, checks.augmentation_check(rows)


def precision(launcher: Launcher, plan: Plan, say: Say) -> tuple[dict, list[Check]]:
    """Loss curves of every precision against float32's."""
    rows, verdicts = {}, []
    for model in plan.models:
        rows[model] = {job.precision: launcher.train(job) for job in precision_jobs(plan, model)}
        reference = rows[model]["float32"]
        others = [name for name in plan.precisions if name != "float32"]
        verdicts += [checks.precision_check(model, name, rows[model][name], reference) for name in others]
    return rows, verdicts


def determinism(launcher: Launcher, plan: Plan, say: Say) -> tuple[dict, list[Check]]:
    """Speed and equality of two runs, with op determinism and without; only with it must they be equal."""
    rows, verdicts = {}, []
    for model in plan.models:
        for deterministic in (True, False):
            pair = [launcher.train(job) for job in determinism_jobs(plan, model, deterministic)]
            say(table.determinism_line(pair, checks.same_weights(pair)))
            rows.setdefault(model, []).extend(pair)
            if deterministic:
                verdicts.append(checks.determinism_check(model, pair))
    return rows, verdicts


def resume(launcher: Launcher, plan: Plan, say: Say) -> tuple[dict, list[Check]]:
    """A run that is killed and goes on, against one that is not."""
    rows = {model: kill_and_resume(launcher, plan, model) for model in plan.resume_models}
    return rows, [checks.resume_check(model, row) for model, row in rows.items()]


RUN = {"speed": speed, "augmentation": augmentation, "precision": precision, "determinism": determinism,
       "resume": resume}  # fmt: skip
