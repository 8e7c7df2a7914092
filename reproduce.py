"""Trains a finished run again, from its own flags, and says whether the bits are the same; if not, what differs.

python reproduce.py --run=runs/catdog/2026-01-31-120000
python reproduce.py --run=runs/catdog/2026-01-31-120000 --out_dir=again
python reproduce.py --run=runs/leaves/first --data_dir=/where/the/leaves/are/now
"""

import runpy
from pathlib import Path

if __name__ == "__main__":
    # By its place, not by its name: other packages are called cli too.
    runpy.run_path(str(Path(__file__).resolve().parent / "cli" / "rooms.py"))["run"]("reproduce")
