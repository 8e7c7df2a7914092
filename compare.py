"""Compares finished runs on the same test pictures: which is better, and whether the difference is more than chance.

python compare.py runs/catdog/2026-01-31-120000 runs/catdog/2026-01-31-170000
python compare.py --notime --out_dir=chosen runs/catdog/*
python compare.py --dataset=folder:new_pictures runs/catdog/*
"""

import runpy
from pathlib import Path

if __name__ == "__main__":
    # By its place, not by its name: other packages are called cli too.
    runpy.run_path(str(Path(__file__).resolve().parent / "cli" / "rooms.py"))["run"]("compare")
