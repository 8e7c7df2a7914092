"""benchmarks/results.json: what every line measured last, when, and on which machine."""

import datetime
import importlib.metadata
import json
import os
import platform
from pathlib import Path

from benchmarks.settings import ROOT

PATH = ROOT / "benchmarks" / "results.json"
PACKAGES = ("tensorflow", "keras", "numpy", "torch", "grain", "nvidia-dali-cuda120", "opencv-python-headless",
            "simplejpeg")  # fmt: skip
CPU_FLAGS = ("avx2", "avx512f", "avx512_bf16", "amx_bf16")


def load(path: Path = PATH) -> dict:
    """{line: {"date", "machine", "rows"}}; nothing where nothing was measured yet."""
    return json.loads(path.read_text()) if path.exists() else {}


def keep(line: str, rows: list[dict], path: Path = PATH) -> None:
    """Replaces one line's figures; the others stay."""
    today = datetime.datetime.now(datetime.UTC).date().isoformat()
    kept = load(path) | {line: {"date": today, "machine": machine(), "rows": rows}}
    path.write_text(json.dumps(kept, indent=1, sort_keys=True) + "\n")


def machine() -> dict:
    """Processor, cores that this process may use, memory, and the versions that are installed."""
    facts = _cpu_facts()
    flags = facts.get("flags", "").split()
    return {
        "cpu": facts.get("model name", platform.processor()).strip(),
        "cpu_flags": [flag for flag in CPU_FLAGS if flag in flags],
        "cores": len(os.sched_getaffinity(0)),
        "memory_gib": round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30),
        "versions": {"python": platform.python_version(), **_versions()},
    }


def _cpu_facts() -> dict[str, str]:
    """/proc/cpuinfo of the first core."""
    try:
        first = Path("/proc/cpuinfo").read_text().split("\n\n")[0]
    except OSError:
        return {}
    pairs = (line.split(":", 1) for line in first.splitlines() if ":" in line)
    return {name.strip(): value.strip() for name, value in pairs}


def _versions() -> dict[str, str]:
    """Of those PACKAGES that are installed; tensorflow-cpu counts as tensorflow."""
    found = {}
    for package in PACKAGES:
        for name in (package, f"{package}-cpu"):
            try:
                found.setdefault(package, importlib.metadata.version(name))
            except importlib.metadata.PackageNotFoundError:
                continue
    return found
