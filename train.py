"""Trains an image classifier from pictures on disk.

python train.py --dataset=realsense --epochs=15
"""

import runpy
from pathlib import Path

if __name__ == "__main__":
    # By its place, not by its name: other packages are called cli too.
    runpy.run_path(str(Path(__file__).resolve().parent / "cli" / "rooms.py"))["run"]("train")
