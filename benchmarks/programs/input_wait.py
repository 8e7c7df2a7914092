"""A step with the real, warm input against the same step given its batch for free, in one process, block by block.

python -m benchmarks.programs.input_wait DATASET DATA_DIR CACHE_DIR ROUNDS STEPS prints JSON: the seconds a step of each
block, "host" and "device", which is where the input is augmented, and "free".
"""

import json
import random
import sys
from pathlib import Path

from base import allocator


def main(dataset: str, data_dir: str, cache_dir: str, rounds: int, steps: int) -> None:
    """Takes turns, the order drawn anew for each round."""
    allocator.keep_freed_memory()
    from benchmarks.steps import open_training

    training = open_training(dataset, {"data_dir": data_dir, "cache": "pack"}, Path(cache_dir))
    host_step, device_step = training.make_step(), training.make_step(augments=True)
    batches, stored = training.job.batches(), training.job.batches(on_device=True)
    held = next(batches)
    ways = {
        "host": (lambda: next(batches), host_step),
        "device": (lambda: next(stored), device_step),
        "free": (lambda: held, host_step),
    }
    seconds = {name: [] for name in ways}
    for number in range(rounds + 1):
        for name in random.Random(number).sample(sorted(ways), len(ways)):
            took = training.seconds_a_step(*ways[name], steps)
            if number:  # the first round traces the steps and warms the pack
                seconds[name].append(took)
    print(json.dumps(seconds))


if __name__ == "__main__":
    main(*sys.argv[1:4], *map(int, sys.argv[4:]))
