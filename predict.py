"""Files and folders of pictures -> class and probability, from a run folder or a bare SavedModel.

python predict.py --run=runs/catdog/2026-01-31-120000 holiday.jpg pictures/
"""

from cli.start import run

if __name__ == "__main__":
    run("predict")
