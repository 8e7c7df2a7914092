"""Scores a finished run's SavedModel on one of its splits, or on other pictures of the same classes.

python evaluate.py --run=runs/catdog/2026-01-31-120000
python evaluate.py --run=runs/catdog/2026-01-31-120000 --split=validation
python evaluate.py --run=runs/catdog/2026-01-31-120000 --dataset=folder:pictures --out_dir=scores
"""

import runpy
from pathlib import Path

if __name__ == "__main__":
    # By its place, not by its name: other packages are called cli too.
    runpy.run_path(str(Path(__file__).resolve().parent / "cli" / "rooms.py"))["run"]("evaluate")
