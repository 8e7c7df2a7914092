"""One job in a process of its own: python -m benchmarks.gpu.worker KIND FIELDS, from the checkout.

Precision policy, TF32, op determinism and a card's memory belong to the process, so no two jobs share one. FIELDS is a
JSON object; the last line on standard output is the row, a JSON object.
"""

import json
import sys

from base import allocator
from cli.quiet_import import import_tensorflow


def main(kind: str, fields: dict) -> dict:
    """The row of a job; raises whatever goes wrong, which launch.py makes a row of."""
    allocator.keep_freed_memory()
    import_tensorflow()
    from benchmarks.gpu import measure
    from benchmarks.gpu.plan import TrainJob

    if kind == "train":
        return measure.train(TrainJob(**fields.pop("job")), **fields)
    kinds = {"describe": measure.describe, "matmul": measure.matmul_peak, "augmentation": measure.compare_augmentation}
    return kinds[kind](**fields)


if __name__ == "__main__":
    print(json.dumps(main(sys.argv[1], json.loads(sys.argv[2]))), flush=True)
