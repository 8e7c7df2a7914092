"""What must be the same in two finished runs of the same files, options and seed."""

import json
import os
from pathlib import Path

from records.history import TIMED_COLUMNS
from tests.helpers.run_fixtures import read_rows

# Of results.json: what is a time, or says one in words.
_TIMED_RESULTS = (
    "seconds", "starts", "finished_at", "images_per_second", "input_wait_fraction", "input_bottleneck",
)  # fmt: skip
# What a run may choose otherwise, to the same bits.
_FREE = ("cache", "strategy", "replicas")
_TABLES = ("predictions_test.csv", "split.csv", "quarantine.csv", "slices.csv", "suspicious_labels.csv")


def outcome(run_dir: Path) -> dict:
    """Everything of a finished run that must be the same, bit for bit; and nothing half-written may be left."""
    results = json.loads((run_dir / "results.json").read_text())
    history = [{k: v for k, v in row.items() if k not in TIMED_COLUMNS} for row in read_rows(run_dir / "history.csv")]
    names = sorted(os.listdir(run_dir))
    assert not [name for name in names if name.startswith(".incomplete")]
    chosen = results.pop("chosen")
    results["chosen"] = {name: value for name, value in chosen.items() if name not in _FREE}
    results["identity"] = {name: value for name, value in results["identity"].items() if name not in _FREE}
    return {
        "results": {name: value for name, value in results.items() if name not in _TIMED_RESULTS},
        "history": history,
        "tables": {name: (run_dir / name).read_text() for name in _TABLES},
        "files": names,
    }
