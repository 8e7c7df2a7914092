"""train.py to its end, and again with a SIGKILL in the middle: both must leave the same weights."""

import json
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from benchmarks.gpu.launch import ROOT, Launcher, row_of
from benchmarks.gpu.plan import Plan

CHECKPOINT_EVERY_STEPS = 3
# Into the second epoch, where the order, the optimizer and BatchNorm have a past.
KILL_AFTER_EPOCHS = 1.3


def kill_and_resume(launcher: Launcher, plan: Plan, model: str) -> dict:
    """{"whole", "resumed": weights_sha256, "killed_at": step} of two runs of `model`, or {"error"}."""
    with tempfile.TemporaryDirectory(prefix="penstock-gpu-check-") as scratch:
        whole, killed = Path(scratch) / "whole", Path(scratch) / "killed"
        row = _finish(launcher, plan, model, whole)
        if "error" in row:
            return row
        steps = json.loads((whole / "results.json").read_text())["steps"]
        kill_at = max(1, round(steps / plan.resume_epochs * KILL_AFTER_EPOCHS))
        killed_at = _kill(launcher, _command(launcher, plan, model, killed), killed, kill_at)
        if (killed / "results.json").exists() or killed_at < kill_at:
            return {"error": f"the run ended before it was killed, at step {killed_at} of {steps}; no verdict"}
        again = _finish(launcher, plan, model, killed)
        return again if "error" in again else {
            "whole": row["weights_sha256"], "resumed": again["weights_sha256"], "killed_at": killed_at, "steps": steps,
        }  # fmt: skip


def newest_step(run_dir: Path) -> int:
    """The step of the newest checkpoint; 0 where there is none."""
    return max((int(path.name[5:]) for path in (run_dir / "checkpoints").glob("step-*")), default=0)


def _command(launcher: Launcher, plan: Plan, model: str, run_dir: Path) -> list[str]:
    return [sys.executable, str(ROOT / "train.py"), f"--dataset=folder:{launcher.data_dir}", f"--model={model}",
            f"--run_dir={run_dir}", f"--cache_dir={launcher.cache_dir}", f"--epochs={plan.resume_epochs}",
            f"--image_size={plan.image_size}", f"--global_batch_size={plan.loss_global_batch_size}",
            "--augment=report", "--strategy=none", f"--checkpoint_every_steps={CHECKPOINT_EVERY_STEPS}"]  # fmt: skip


def _finish(launcher: Launcher, plan: Plan, model: str, run_dir: Path) -> dict:
    """results.json of the run, or {"error"}."""
    command = _command(launcher, plan, model, run_dir)
    try:
        done = subprocess.run(command, env=launcher.environment, capture_output=True, text=True, errors="replace",
                              timeout=plan.timeout_seconds, check=False)  # fmt: skip
    except subprocess.TimeoutExpired:
        return {"error": f"train.py hung: killed after {plan.timeout_seconds:g} s"}
    if done.returncode:
        return row_of(done.returncode, done.stdout, done.stderr)
    return json.loads((run_dir / "results.json").read_text())


def _kill(launcher: Launcher, command: list[str], run_dir: Path, step: int) -> int:
    """Starts the run, kills it once the checkpoint of `step` is there; returns the newest checkpoint's step."""
    with subprocess.Popen(
        command, env=launcher.environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    ) as process:
        deadline = time.monotonic() + launcher.timeout_seconds
        while process.poll() is None and newest_step(run_dir) < step and time.monotonic() < deadline:
            time.sleep(0.005)
        process.send_signal(signal.SIGKILL)
    return newest_step(run_dir)
