"""Measures and checks training on a CUDA GPU: speed, augmentation, precision, determinism and resuming.

python benchmarks/gpu_check.py --quick --only=speed,augmentation --out=gpu.json

Prints a table; exits with 1 where host and device augment differently, a precision leaves float32's losses, two
deterministic runs differ, or a killed run ends in other weights. Without a GPU it says so and exits with 0.
"""

import sys
from pathlib import Path

import path_to_penstock  # noqa: F401 - makes the checkout importable
from absl import flags

from base import durable
from base.errors import UserError, unknown_name
from benchmarks.gpu import parts
from benchmarks.gpu.launch import Launcher
from benchmarks.gpu.plan import FULL, PARTS, QUICK, TINY, Plan
from cli import guard, paths

DEVICES = ("gpu", "cpu")


def define_flags(values: flags.FlagValues) -> None:
    """gpu_check.py's flags."""
    flags.DEFINE_string("data_dir", "../shared/data/catdog_data/train", "class folders of pictures", flag_values=values)
    flags.DEFINE_string("cache_dir", None, "where packs are kept; the default is ~/.cache/penstock", flag_values=values)
    flags.DEFINE_boolean("quick", False, "the telling configurations, about 10 minutes", flag_values=values)
    flags.DEFINE_list("only", list(PARTS), f"these parts alone, of {', '.join(PARTS)}", flag_values=values)
    flags.DEFINE_string("device", "gpu", "gpu; cpu runs everything, tiny, to try the check itself", flag_values=values)
    flags.DEFINE_string("out", None, "a JSON file for the figures", flag_values=values)


def main(values: flags.FlagValues, arguments: list[str]) -> None:
    """The parts that were asked for, one after the other."""
    guard.refuse_arguments(arguments)
    plan, launcher = _choose(values)
    found = launcher.run("describe")
    if "error" in found:
        raise UserError(f"TensorFlow does not start: {found['error']}")
    if values.device == "gpu" and not found["gpus"]:
        print(no_gpu_line(found))
        return
    if not launcher.data_dir.is_dir():
        raise UserError(
            f"--data_dir={values.data_dir} is not a folder: give one that holds a folder of pictures a class"
        )
    print(f"device       {found['name'] or 'CPU: nothing below is a measurement'}; TensorFlow {found['tensorflow']}")
    report = {"device": found, "quick": plan.quick, "parts": {}, "checks": []}
    for part in values.only:
        print(f"\n{part}", flush=True)
        rows, checks = parts.RUN[part](launcher, plan, lambda line: print(line, flush=True))
        for check in checks:
            print(f"{'ok' if check.passed else 'FAILED':<8}{check.name}: {check.words}", flush=True)
        report["parts"][part] = rows
        report["checks"] += [vars(check) for check in checks]
        if values.out:
            durable.write_json(values.out, report)
    sys.exit(0 if all(check["passed"] for check in report["checks"]) else 1)


def no_gpu_line(found: dict) -> str:
    """Why there is none, of what `measure.describe` found, and how to get one going."""
    if found["built_with_cuda"]:
        why = "TensorFlow has CUDA but sees no card: see whether nvidia-smi lists one and its driver is new enough"
    else:
        why = "this TensorFlow is built for CPUs: where nvidia-smi lists a card, run make setup GPU=1"
    return f"no GPU: {why}, then make gpu-check GPU=1"


def _choose(values: flags.FlagValues) -> tuple[Plan, Launcher]:
    """Raises UserError for an unknown part or device."""
    for part in values.only:
        if part not in PARTS:
            raise unknown_name("--only", part, PARTS)
    if values.device not in DEVICES:
        raise unknown_name("--device", values.device, DEVICES)
    plan = TINY if values.device == "cpu" else QUICK if values.quick else FULL
    data_dir, cache_dir = Path(values.data_dir).absolute(), paths.cache_dir(values.cache_dir).absolute()
    return plan, Launcher(values.device, data_dir, cache_dir, plan.timeout_seconds)


if __name__ == "__main__":
    guard.run(Path(__file__), define_flags, main)
