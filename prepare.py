"""Checks, splits and packs a data set, and shows what training will see. Trains nothing.

python prepare.py --dataset=folder:pictures --out_dir=prepared
"""

from cli.start import run

if __name__ == "__main__":
    run("prepare")
