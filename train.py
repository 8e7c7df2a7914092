"""Trains an image classifier from pictures on disk.

python train.py --dataset=realsense --epochs=15
"""

from cli.start import run

if __name__ == "__main__":
    run("train")
