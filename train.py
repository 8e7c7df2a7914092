"""Trains an image classifier from pictures on disk.

python train.py --dataset=pictures --model=mobilenet_v2 --weights=imagenet
python train.py --dataset=realsense --epochs=15
python train.py --dataset=catdog --full_train --run_dir=runs/all
"""

import runpy
from pathlib import Path

if __name__ == "__main__":
    # By its place, not by its name: other packages are called cli too.
    runpy.run_path(str(Path(__file__).resolve().parent / "cli" / "rooms.py"))["run"]("train")
