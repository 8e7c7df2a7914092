"""Steps of catdog_2 in float32 without oneDNN, from an empty cache on: what they cost the processor.

python -m benchmarks.programs.allocator_steps WAY DATA_DIR CACHE_DIR STEPS prints JSON: CPU seconds and page faults a
step. WAY is "kept", as train.py has glibc's allocator, or "returned", which leaves that as it is.
"""

import json
import os
import resource
import sys
from pathlib import Path

from base import allocator


def main(way: str, data_dir: str, cache_dir: str, steps: int) -> None:
    """The mean of `steps` steps, after some that are not counted."""
    os.environ["TF_ENABLE_ONEDNN_OPTS"] = "0"
    if way == "kept":
        allocator.keep_freed_memory()
    from benchmarks.steps import WARM_STEPS, open_training

    given = {"data_dir": data_dir, "cache": "pack", "precision": "float32", "model": "catdog_2"}
    training = open_training("catdog", given, Path(cache_dir))
    batches, step = training.job.batches(), training.make_step()
    training.run(lambda: next(batches), step, WARM_STEPS)
    before = resource.getrusage(resource.RUSAGE_SELF)
    training.run(lambda: next(batches), step, steps)
    after = resource.getrusage(resource.RUSAGE_SELF)
    seconds = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    faults = after.ru_minflt - before.ru_minflt
    print(json.dumps({"cpu_seconds": seconds / steps, "page_faults": faults / steps}))


if __name__ == "__main__":
    main(*sys.argv[1:4], int(sys.argv[4]))
