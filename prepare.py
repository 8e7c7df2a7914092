"""Checks, splits and packs a data set, and shows what training will see. Trains nothing.

python prepare.py --dataset=pictures --out_dir=prepared
python prepare.py --dataset=pictures --out_dir=out --augment=strong --split_fractions=0.8,0.1,0.1
python prepare.py --dataset=pictures --out_dir=out --probe --model=mobilenet_v2 --weights=imagenet
"""

import runpy
from pathlib import Path

if __name__ == "__main__":
    # By its place, not by its name: other packages are called cli too.
    runpy.run_path(str(Path(__file__).resolve().parent / "cli" / "rooms.py"))["run"]("prepare")
