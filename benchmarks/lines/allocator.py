"""What keeping freed memory saves where TensorFlow has no pool of its own for a CPU's buffers: catdog_2 in float32
without oneDNN, as on a CPU that has no AVX512-VNNI, with glibc's allocator as train.py has it and as it is.

Processes of their own that take turns, in a drawn order; each packs the pictures first, so that its memory is a whole
run's. CPU time is judged, user's and system's, because clearing pages is the system's work and a busy neighbour slows
the clock on the wall.
"""

import random
import tempfile

from base import allocator
from benchmarks import figures, processes
from benchmarks.settings import Settings

WAYS = ("kept", "returned")
STEPS, FASTER, LIMIT = 24, 1.12, 1.05


def measure(settings: Settings) -> list[dict]:
    """CPU seconds and page faults a step, and GB held at most, freed memory kept over freed memory returned."""
    if decider := allocator.decided_by():
        raise SystemExit(f"{decider} decides how memory is given, so there is nothing to compare: unset it")
    seconds, faults, gigabytes = ({way: [] for way in WAYS} for _ in range(3))
    generator = random.Random(1)
    for _ in range(settings.rounds):
        for way in generator.sample(WAYS, len(WAYS)):
            facts, peak_bytes = _run(way, settings)
            seconds[way].append(facts["cpu_seconds"])
            faults[way].append(facts["page_faults"])
            gigabytes[way].append(peak_bytes / 1e9)
    rival = "freed memory returned"
    return [
        figures.faster("a float32 step without oneDNN, CPU time", rival, seconds["kept"], seconds["returned"],
                       unit="s", target=FASTER),
        figures.at_most_times("page faults of such a step", rival, faults["kept"], faults["returned"],
                              unit="faults", limit=None),
        figures.at_most_times("memory", rival, gigabytes["kept"], gigabytes["returned"], unit="GB", limit=LIMIT),
    ]  # fmt: skip


def _run(way: str, settings: Settings) -> tuple[dict, float]:
    """(what the program found, most bytes that it held)."""
    with tempfile.TemporaryDirectory(dir=settings.scratch) as cache_dir:
        finished = processes.run(
            processes.module(
                "programs.allocator_steps", way, settings.data_dir, cache_dir, 2 if settings.quick else STEPS
            )
        )
    return finished.facts(), finished.peak_bytes
