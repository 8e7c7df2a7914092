"""Jobs as processes: whatever becomes of one, the answer is a row."""

import dataclasses
import json
import os
import re
import subprocess
import sys
from pathlib import Path

from benchmarks.gpu.plan import TrainJob

ROOT = Path(__file__).resolve().parents[2]
_OUT_OF_MEMORY = re.compile(r"RESOURCE_EXHAUSTED|ResourceExhausted|out of memory|OOM when", re.IGNORECASE)
_ERROR_CHARACTERS = 200


@dataclasses.dataclass(frozen=True)
class Launcher:
    """Starts the jobs of one check.

    Attributes:
      device: "gpu", or "cpu" to hide every card.
      data_dir, cache_dir: absolute, for the workers run in the checkout.
      timeout_seconds: after which a process is killed.
    """

    device: str
    data_dir: Path
    cache_dir: Path
    timeout_seconds: float

    def train(self, job: TrainJob) -> dict:
        """The job's fields and the row of `measure.train`, or an `error`."""
        fields = dataclasses.asdict(job)
        return fields | self.run("train", job=fields, **self.folders)

    def run(self, kind: str, **fields) -> dict:
        """The row of a job of worker.py, or {"error": why there is none}; never raises for what the job does."""
        command = [sys.executable, "-m", "benchmarks.gpu.worker", kind, json.dumps(fields)]
        try:
            done = subprocess.run(
                command, cwd=ROOT, env=self.environment, capture_output=True, text=True, errors="replace",
                timeout=self.timeout_seconds, check=False,
            )  # fmt: skip
        except subprocess.TimeoutExpired:
            return {"error": f"hung: killed after {self.timeout_seconds:g} s"}
        return row_of(done.returncode, done.stdout, done.stderr)

    @property
    def folders(self) -> dict[str, str]:
        """What a job needs to find its pictures."""
        return {"data_dir": str(self.data_dir), "cache_dir": str(self.cache_dir)}

    @property
    def environment(self) -> dict[str, str]:
        """Of a process that sees the device."""
        hidden = {"CUDA_VISIBLE_DEVICES": "-1"} if self.device == "cpu" else {}
        return {name: value for name, value in os.environ.items() if name != "TF_CONFIG"} | hidden


def row_of(code: int, stdout: str, stderr: str) -> dict:
    """The JSON object on the last line of `stdout`, numbers that are not finite as None; or {"error": why}."""
    if code == 0:
        try:
            return json.loads(stdout.strip().rpartition("\n")[2], parse_constant=lambda name: None)
        except json.JSONDecodeError:
            return {"error": f"no result: {stdout[-_ERROR_CHARACTERS:]!r}"}
    if _OUT_OF_MEMORY.search(stderr):
        return {"error": "out of memory"}
    if code < 0:
        return {"error": f"ended by signal {-code}"}
    lines = [line for line in stderr.splitlines() if line.strip()]
    # The exception's own line is the last one that does not go on from the line before.
    last = next((line for line in reversed(lines) if re.match(r"[\w.]+(Error|Exception|Exit|Interrupt)\b", line)), None)
    return {"error": (last or (lines[-1] if lines else f"exit code {code}")).strip()[:_ERROR_CHARACTERS]}
